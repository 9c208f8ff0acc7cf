//! What `docs/coverage.md` promises for Redis, run against a server: to its end, and back from a fault before the point of
//! no return.
use crate::lab::redis::Redis;
use crate::stage::{self, Run, repo};

#[test]
fn every_procedure_runs_and_goes_back() {
    let text = std::fs::read_to_string(repo("docs/coverage.md")).unwrap();
    let section = text.split("\n## Redis\n").nth(1).unwrap();
    let program = section.split("```rbk\n").nth(1).unwrap().split("```").next().unwrap();
    let server = Redis::start();
    let db = |args: &[&str]| server.cli(&[&["-n", "1"], args].concat());
    let fill = || {
        db(&["set", "leaderboard", "x", "ex", "900"]);
        db(&["set", "team_sidebar", "x"]);
        db(&["set", "asgi:1", "x"]);
        for i in 0..20 {
            db(&["set", &format!("team_stats_{i}"), "x", "ex", "300"]);
        }
    };
    let dir = stage::dir();
    let file = dir.path().join("coverage.rbk");
    let run = |program: &str| {
        std::fs::write(&file, program).unwrap();
        Run::new(&file).env("REDIS_URL", format!("redis://127.0.0.1:{}", server.port)).answer("redis.flush", "yes").go()
    };
    fill();
    run(program).ended(0).says(&["asgi:1"]);
    assert_eq!(
        (db(&["dbsize"]), server.cli(&["config", "get", "save"])),
        ("0".to_owned(), "save\n900 1 300 10".to_owned())
    );
    server.cli(&["config", "set", "save", ""]);
    server.cli(&["config", "set", "maxmemory-policy", "noeviction"]);
    // A fault before the point of no return: all of it goes back.
    fill();
    let failing =
        program.replace("  redis.flush", "  guard \"not yet\": cache.exists(\"leaderboard:none\")\n  redis.flush");
    let failed = run(&failing).ended(1);
    assert_eq!(db(&["dbsize"]), "23", "{}", failed.out);
    assert_eq!(server.cli(&["config", "get", "maxmemory-policy"]), "maxmemory-policy\nnoeviction");
    assert!(db(&["ttl", "leaderboard"]).parse::<i64>().unwrap() > 800);
    assert!(db(&["ttl", "team_stats_7"]).parse::<i64>().unwrap() > 200);
    assert_eq!(db(&["exists", "deploy:freeze", "rbk:probe"]), "0");
}
