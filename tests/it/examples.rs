//! The examples, against real components: the good run, and a fault after the last write that must leave everything
//! outside as it was.
mod backups;
mod deltacrown;
mod finance;
mod ghostworks;
mod novacron;

use crate::stage::{self, Run, client, repo, snapshot};

/// Every answer came from a pool: no connection refused, nothing cut off, no 5xx but those of a pool told to fail.
fn nobody_was_turned_away(hits: &[client::Hit]) {
    let bad: Vec<_> = hits.iter().filter(|h| h.answer != "blue" && h.answer != "green").collect();
    assert!(hits.len() > 20, "the client hardly asked: {}", hits.len());
    assert!(bad.is_empty(), "{} of {} requests failed: {:?}", bad.len(), hits.len(), &bad[..bad.len().min(5)]);
}

#[test]
fn quickstart_fails_its_check_and_undoes_two_steps() {
    let dir = stage::dir();
    let ran = Run::new(&repo("examples/quickstart.rbk")).dir(dir.path()).go().ended(1);
    let undone = ran.out.rfind("Switch to it").unwrap();
    assert!(undone < ran.out.rfind("Unpack the release").unwrap(), "the last step is undone first:\n{}", ran.out);
    let site = dir.path().join("rbk-quickstart");
    assert_eq!(std::fs::read_link(site.join("current")).unwrap().to_str(), Some("first"));

    let before = snapshot::files(&site);
    Run::new(&repo("examples/quickstart.rbk")).dir(dir.path()).go().ended(1);
    assert_eq!(before, snapshot::files(&site), "a second try changes nothing either");

    Run::new(&repo("examples/quickstart.rbk")).dir(dir.path()).set("healthy", true).go().ended(0);
    let live = snapshot::files(&site);
    Run::new(&repo("examples/quickstart.rbk")).dir(dir.path()).go().ended(1);
    assert_eq!(live, snapshot::files(&site), "the release that is live stays as it is");
}

#[test]
fn quickstart_with_a_healthy_page_succeeds() {
    let dir = stage::dir();
    Run::new(&repo("examples/quickstart.rbk")).dir(dir.path()).set("healthy", true).go().ended(0);
    let page = std::fs::read_to_string(dir.path().join("rbk-quickstart/current/index.html")).unwrap();
    assert_eq!(page, "hello again\n");
}
