//! `tests/suites/lint/traps.md`: the script with each trap is refused, the one without is not; `docs/traps.md` is its table.
use super::said;
use crate::stage::repo;
use rbk::diag::Code;
use rbk::lint::rules;

struct Trap {
    number: String,
    title: String,
    open: Option<String>,
    library: Option<String>,
    /// The code that refuses it, and the script.
    bad: Option<(String, String)>,
    good: Option<String>,
}

fn traps() -> Vec<Trap> {
    let text = std::fs::read_to_string(repo("tests/suites/lint/traps.md")).unwrap();
    let sections = text.split("\n## ").skip(1);
    let trap = |section: &str| {
        let (head, body) = section.split_once('\n').unwrap();
        let (number, title) = head.split_once(": ").unwrap();
        let line = |start: &str| body.lines().find_map(|l| l.strip_prefix(start)).map(str::to_owned);
        let fence = |mark: &str| {
            let (_, rest) = body.split_once(&format!("```rbk {mark}"))?;
            let (info, rest) = rest.split_once('\n')?;
            Some((info.trim().to_owned(), rest.split("```").next()?.to_owned()))
        };
        Trap {
            number: number.to_owned(),
            title: title.to_owned(),
            open: line("Open: "),
            library: line("Unwritable with `").map(|l| l.trim_end_matches("`.").to_owned()),
            bad: fence("bad"),
            good: fence("good").map(|(_, script)| script),
        }
    };
    sections.map(trap).collect()
}

/// A runbook around statements; what they `use` stands above it.
fn book(body: &str) -> String {
    let (used, rest): (Vec<&str>, Vec<&str>) = body.lines().partition(|l| l.starts_with("use "));
    format!(
        "{}\nrunbook \"t\" {{\n  owner \"me\"\n  reviewed 2026-11-01 every 90d\n  deadline 8h\n  rollback within 1h\n  \
         secret db_url = env(\"DATABASE_URL\")\n  connect db = postgres(db_url)\n  connect cache = redis(env(\"REDIS_URL\"))\n  \
         connect site = http(env(\"SITE_URL\"))\n  connect prom = prometheus(env(\"PROMETHEUS_URL\"))\n{}\n}}\n",
        used.join("\n"),
        rest.join("\n")
    )
}

#[test]
fn each_trap_is_refused_and_the_way_out_is_not() {
    let traps = traps();
    assert_eq!(traps.len(), 82);
    let mut wrong = Vec::new();
    for trap in &traps {
        if let Some((code, script)) = &trap.bad {
            let found = said(&book(script));
            if !found.iter().any(|f| f.starts_with(&format!("{code} "))) {
                wrong.push(format!("{}: no {code} in {found:#?}", trap.number));
            }
        }
        if let Some(script) = &trap.good {
            let found = said(&book(script));
            if !found.is_empty() {
                wrong.push(format!("{}: the way out has {found:#?}", trap.number));
            }
        }
        let whole = trap.open.is_some() != trap.good.is_some();
        assert!(whole && (trap.bad.is_some() || trap.open.is_some() || trap.library.is_some()), "{}", trap.number);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let open = traps.iter().filter(|t| t.open.is_some()).count();
    assert!(open <= 15, "{open} traps are open");
}

#[test]
fn the_table_of_traps_is_what_the_rules_do() {
    let mut table = String::new();
    for trap in traps() {
        let caught = trap.bad.as_ref().map(|(code, _)| {
            let known = Code::find(code).unwrap_or_else(|| panic!("{}: no code `{code}`", trap.number));
            let by = if rules::has(known) { "advice" } else { "refused" };
            format!("{by}: [`{code}`](codes/{code}.md)")
        });
        let library = trap.library.map(|action| format!("unwritable with `{action}`"));
        let open = trap.open.map(|what| format!("open: it would take {what}"));
        let cell = [caught, library, open].into_iter().flatten().collect::<Vec<_>>().join("; ");
        table.push_str(&format!("| {} | {} | {cell} |\n", trap.number, trap.title));
    }
    let page = repo("docs/traps.md");
    let now = format!("{HEAD}{table}");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&page, &now).unwrap();
    }
    let written = std::fs::read_to_string(&page).unwrap();
    assert!(written == now, "docs/traps.md is out of date: BLESS=1 writes it");
}

const HEAD: &str = "# Traps

82 things that went wrong in five runbooks of the real world, and what becomes of each here: advice of `rbk check`, a script that
is refused, an action of the library that cannot do it wrong, or what it would take. `tests/suites/lint/traps.md` has a script
with each and one without; the tests run them, and write this table (`BLESS=1`).

| trap | what goes wrong | here |
|---|---|---|
";
