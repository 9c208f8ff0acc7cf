//! Done by hand on real servers, and undone.
use super::*;
use crate::stage::nginx::Nginx;
use crate::stage::postgres::Postgres;
use crate::stage::redis::Redis;
use crate::stage::{app, snapshot};

#[test]
fn everything_done_by_hand_is_undone_everywhere() {
    let dir = stage::dir();
    let redis = Redis::start(dir.path());
    let postgres = Postgres::start(dir.path());
    let ports = [stage::port(), stage::port()];
    let start = |port, name: &str| app::start(port, name, dir.path(), &dir.path().join("fault"), &[]);
    let _pools = [start(ports[0], "blue"), start(ports[1], "green")];
    let nginx = Nginx::start(dir.path(), "live", &[("blue", ports[0]), ("green", ports[1])]);
    let desk = console().env("DATABASE_URL", &postgres.url("postgres"));
    desk.write("app.conf", "workers = 2\n");
    let stands = || {
        (
            redis.cli(&["CONFIG", "GET", "maxmemory-policy"]),
            postgres.psql("postgres", "SHOW work_mem"),
            desk.read("app.conf"),
            snapshot::files(&nginx.upstreams()),
        )
    };
    let before = stands();
    let words: Vec<String> = nginx.words().iter().map(|word| format!("\"{word}\"")).collect();
    let typed = format!(
        "use \"std/redis\"\nuse \"std/postgres\" as pg\nuse \"std/files\"\nuse \"std/nginx\"\n\
         secret url = env(\"DATABASE_URL\")\nconnect db = postgres(url)\nconnect cache = redis(\"{}\")\n\
         redis.config_set(cache, \"maxmemory-policy\", \"allkeys-lru\")\n\
         pg.set(db, \"work_mem\", \"64MB\")\n\
         files.replace(\"app.conf\", \"workers = 2\", \"workers = 8\")\n\
         nginx.switch(\"live\", to: \"green\", dir: \"{}\", nginx: [{}], pid: \"{}\")\n\
         db.value(\"SHOW work_mem\")\n:steps\n\
         step \"look\" {{\n  $ touch done; {}\n  rollback none \"a mark\"\n}}\n:undo all\n:steps\n",
        redis.url(),
        nginx.upstreams().display(),
        words.join(", "),
        nginx.pid().display(),
        crate::resume::gate("looked"),
    );
    let (mut child, mut keys) = open(&desk, &[]);
    keys.write_all(typed.as_bytes()).unwrap();
    drop(keys);
    let end = std::thread::spawn(move || child_output(&mut child));
    desk.until("done");
    let there = stands();
    let changed = [before.0 != there.0, before.1 != there.1, before.2 != there.2, before.3 != there.3];
    desk.write("looked", "");
    let (code, out, err) = end.join().unwrap();
    assert_eq!(changed, [true; 4], "{out}{err}");
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("64MB\n1  redis.config_set") && out.ends_with("nothing is in place\n"), "{out}");
    assert_eq!(before, stands(), "{out}");
}

/// Steps of a runbook and what is typed between them, on one server: undone in their order.
#[test]
fn a_runbook_and_what_is_typed_are_undone_together() {
    let dir = stage::dir();
    let redis = Redis::start(dir.path());
    let desk = console();
    let book = format!(
        "use \"std/redis\"\nrunbook \"Shift\" {{\n  deadline 1m\n  rollback within 1m\n  param keep: int\n  \
         connect cache = redis(\"{}\")\n  let before = cache.config_get(\"maxmemory-policy\")\n  \
         step \"Policy\" {{\n    redis.config_set(cache, \"maxmemory-policy\", \"allkeys-lru\")\n  }}\n  \
         step \"Samples\" {{\n    guard \"mended\": $ test -e mended\n    \
         redis.config_set(cache, \"maxmemory-samples\", \"#{{keep}}\")\n  }}\n  log \"it was #{{before}}\"\n}}\n",
        redis.url()
    );
    desk.write("shift.rbk", &book);
    let stands = || ["maxmemory-policy", "maxmemory-samples", "hz"].map(|name| redis.cli(&["CONFIG", "GET", name]));
    let before = stands();
    let load = ":load shift.rbk --set keep=7\n:run\n";
    let said = pipe(&desk, &[], load).ended(1).says(&["guard `mended` does not hold", "kept in place: `"]);
    assert!(stands() != before, "{}", said.out);
    desk.rollback(&[]).ended(0);
    assert_eq!(stands(), before);
    let typed = "redis.config_set(cache, \"hz\", \"20\")\n";
    let mended = ":load shift.rbk --set keep=7\n:step\n:step\n".to_owned()
        + typed
        + &touch("mended")
        + ":run\n:steps\ncache.config_get(\"maxmemory-samples\")\n:undo all\n";
    let said = pipe(&desk, &[], &mended).ended(0).says(&["it was noeviction\n", "\n7\n", "✓ Samples  done"]);
    assert_eq!(stands(), before, "{}", said.out);
}
