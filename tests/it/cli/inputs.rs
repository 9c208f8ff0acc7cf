//! Parameters: where they come from, and what is said about those that do not fit.
use super::{Desk, book};

const BOOK: &str = r##"
  ## The release to deploy.
  param version: string where version matches r"^v\d+$"
  param pool: "blue" | "green" = "green"
  param pause: duration = 5s
  param hosts: list<string> = []
  log "#{version} #{pool} #{pause} #{hosts.len()}"
"##;

#[test]
fn they_come_from_the_command_line_a_file_and_the_environment() {
    let desk = Desk::with(&book(BOOK)).variable("RBK_PARAM_PAUSE", "1m");
    let desk = desk.file("p.json", r#"{"version": "v1", "pool": "blue", "hosts": ["a", "b"]}"#);
    let desk = desk.file("p.toml", "version = \"v7\"\nhosts = [\"a\"]\n");
    desk.rbk(&["run", "a.rbk", "--set", "version=v2"]).exits(0).says(&["v2 green 1m 0"]);
    desk.rbk(&["run", "a.rbk", "--params", "p.json"]).exits(0).says(&["v1 blue 1m 2"]);
    desk.rbk(&["run", "a.rbk", "--params", "p.toml"]).exits(0).says(&["v7 green 1m 1"]);
    let both = ["run", "a.rbk", "--params", "p.json", "--set", "version=v3", "--set", "pause=2s"];
    desk.rbk(&both).exits(0).says(&["v3 blue 2s 2"]);
}

#[test]
fn a_missing_one_is_refused_with_its_place_and_the_way_to_give_it() {
    let said = Desk::with(&book(BOOK)).rbk(&["run", "a.rbk"]);
    said.exits(2).complains(&[
        "missing-input",
        "the parameter `version` is missing",
        "a.rbk:6:9",
        "The release to deploy.",
        "--set version=",
        "RBK_PARAM_VERSION",
    ]);
    assert_eq!(said.out, "");
}

#[test]
fn everything_wrong_is_said_at_once() {
    let said = Desk::with(&book(BOOK)).rbk(&[
        "run",
        "a.rbk",
        "--set",
        "version=2",
        "--set",
        "pool=red",
        "--set",
        "pause=5",
        "--set",
        "verison=v2",
    ]);
    said.exits(2).complains(&[
        "bad-input",
        "the parameter `version` cannot be taken from `--set version`: `2` does not meet its `where`",
        "the parameter `pool` cannot be taken from `--set pool`: `red` is not one of \"blue\", \"green\"",
        "the parameter `pause` cannot be taken from `--set pause`: `5` is not a duration",
        "no parameter `verison`",
        "did you mean `version`?",
    ]);
}

#[test]
fn a_file_of_parameters_that_is_wrong_says_where() {
    let desk = Desk::with(&book(BOOK)).file("p.json", "{\"version\": }").file("p.toml", "version = \"v1\"\npool = \n");
    let desk = desk.file("list.json", "[]").file("extra.json", "{\"version\": \"v1\", \"colour\": 1}");
    desk.rbk(&["run", "a.rbk", "--params", "p.json"]).exits(2).complains(&["cannot read `p.json`: not JSON", "line 1"]);
    desk.rbk(&["run", "a.rbk", "--params", "p.toml"]).exits(2).complains(&["cannot read `p.toml`: not TOML: line 2"]);
    desk.rbk(&["run", "a.rbk", "--params", "list.json"]).exits(2).complains(&["does not hold an object"]);
    desk.rbk(&["run", "a.rbk", "--params", "none.json"]).exits(2).complains(&["there is no such file"]);
    let extra = desk.rbk(&["run", "a.rbk", "--params", "extra.json"]);
    extra.exits(2).complains(&["the runbook has no parameter `colour`, given by `extra.json`"]);
    desk.rbk(&["run", "a.rbk", "--set", "version"]).exits(2).complains(&["NAME=VALUE"]);
}

#[test]
fn a_default_may_read_those_above_it() {
    let desk = Desk::with(&book("  param n: int = 2\n  param m: int = n * 2 + 1\n  log \"m is #{m}\""));
    desk.rbk(&["run", "a.rbk"]).exits(0).says(&["m is 5"]);
    desk.rbk(&["run", "a.rbk", "--set", "n=10"]).exits(0).says(&["m is 21"]);
}

#[test]
fn budgets_are_added_up_again_with_the_parameters_of_the_run() {
    let desk = Desk::with(&book("  param pause: duration = 1s\n  wait pause"));
    desk.rbk(&["check", "a.rbk"]).exits(0);
    desk.rbk(&["run", "a.rbk", "--set", "pause=40s"]).exits(2).complains(&["budget-exceeded", "the deadline is 30s"]);
}

#[test]
fn what_does_not_fit_says_how_it_is_given() {
    let numbers = "  param n: int = 1\n  param d: decimal = 1\n  param hosts: list<string> = []\n  param ports: list<int> = []\n  \
                   log \"#{n} #{d} #{hosts.len()} #{ports.len()}\"\n";
    let desk = Desk::with(&book(numbers)).file("big.json", r#"{"n": 99999999999999999999, "d": 1e400}"#);
    let refused = |set: &str, said: &[&str]| {
        desk.rbk(&["run", "a.rbk", "--set", set]).exits(2).complains(said);
    };
    refused("hosts=w1, w2", &["not JSON", r#"`--set 'hosts=["w1","w2"]'`"#]);
    refused("ports=80,443", &["`--set 'ports=[80,443]'`"]);
    refused("n=99999999999999999999", &["`99999999999999999999` is too large for an"]);
    refused("n=many", &["`many` is not an int"]);
    refused("d=1e400", &["a decimal has at most 38 digits", "one has 401"]);
    refused("d=1e38", &["one has 39"]);
    desk.rbk(&["run", "a.rbk", "--params", "big.json"])
        .exits(2)
        .complains(&["`99999999999999999999` is too large for an", "a decimal has at most 38 digits"]);
    desk.rbk(&["run", "a.rbk", "--set", "d=1e37"]).exits(0);
    desk.rbk(&["run", "a.rbk", "--set", r#"hosts=["w1","w2"]"#, "--set", "n=-3"]).exits(0).says(&["-3 1 2 0"]);
}

#[test]
fn a_file_of_parameters_may_begin_with_a_byte_order_mark() {
    let desk = Desk::with(&book(BOOK))
        .file("p.json", "\u{feff}{\"version\": \"v1\"}")
        .file("p.toml", "\u{feff}version = \"v7\"\n");
    desk.rbk(&["run", "a.rbk", "--params", "p.json"]).exits(0).says(&["v1 green 5s 0"]);
    desk.rbk(&["run", "a.rbk", "--params", "p.toml"]).exits(0).says(&["v7 green 5s 0"]);
}
