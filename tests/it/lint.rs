//! `rbk check` as a linter: no false alarm on what is ours, `allow` with its reason.
mod pasted;
mod traps;

use std::path::{Path, PathBuf};

use rbk::session;

use crate::stage::repo;

fn scripts(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|e| e == "rbk") {
            found.push(path);
        }
    }
}

fn today() -> rbk::value::Timestamp {
    "2026-11-21T00:00:00Z".parse().unwrap()
}

/// What is said of a text: code, line, message.
pub fn said(text: &str) -> Vec<String> {
    let opened = session::open_text("a.rbk", text, &session::Disk);
    let mut advised = session::advice::advise(opened, today());
    advised.found.sort_by_key(|d| d.span());
    let line = |d: &rbk::diag::Diagnostic| advised.sources.position(d.span()).0;
    advised.found.iter().map(|d| format!("{} {}: {}", d.code.name(), line(d), d.message)).collect()
}

/// The codes said of statements in a runbook; line 2 is the first.
pub fn codes(body: &str) -> Vec<String> {
    let text =
        format!("runbook \"t\" {{ owner \"me\"; reviewed 2026-11-01; deadline 1h; rollback within 5m\n{body}\n}}\n");
    said(&text).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

/// A step around commands that only look.
pub fn looking(commands: &str) -> Vec<String> {
    codes(&format!("step \"Look\" readonly timeout 1m {{\n{commands}\n}}"))
}

#[test]
fn our_own_scripts_have_no_finding_and_few_allows() {
    let (mut paths, mut wrong, mut allows) = (Vec::new(), Vec::new(), 0);
    for dir in ["examples", "stdlib", "tests/samples"] {
        scripts(&repo(dir), &mut paths);
    }
    assert!(paths.len() > 20, "only {} scripts were found", paths.len());
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        allows += text.matches("rbk: allow(").count();
        let opened = session::open_text(&path.to_string_lossy(), &text, &session::Disk);
        let mut found = rbk::lint::lint(&opened.sources, &opened.ast);
        found = rbk::lint::settle(found, &opened.sources, &opened.ast);
        wrong.extend(found.iter().map(|d| {
            let (line, _) = opened.sources.position(d.span());
            format!("{}:{line}: {}: {}", path.display(), d.code.name(), d.message)
        }));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(allows <= 5, "{allows} findings are allowed");
}

#[test]
fn an_allow_covers_its_line_or_the_statement_below() {
    let curl = "$ curl -s http://x/";
    assert_eq!(looking(curl), ["curl-no-fail 3"]);
    assert_eq!(looking(&format!("# rbk: allow(curl-no-fail) it may be down\n{curl}")), [""; 0]);
    assert_eq!(looking(&format!("# rbk: allow(curl-no-fail) it may be down\n\n# and more\n{curl}")), [""; 0]);
    assert_eq!(looking("guard \"up\": $(curl -s http://x/) # rbk: allow(curl-no-fail) it may be down"), [""; 0]);
    assert_eq!(looking(&format!("{curl} # rbk: allow(curl-no-fail) it may be down")), [""; 0]);
    let script = "$ \"\"\"\n  set -x\n  curl -s http://x/\n\"\"\"";
    assert_eq!(looking(script), ["curl-no-fail 5"], "the line inside the script");
    assert_eq!(looking(&format!("# rbk: allow(curl-no-fail) it may be down\n{script}")), [""; 0]);
    // Not the statement behind it, and not a step's inside.
    let two = format!("# rbk: allow(curl-no-fail) it may be down\n{curl}\n{curl}");
    assert_eq!(looking(&two), ["curl-no-fail 5"]);
    let outside = format!("# rbk: allow(curl-no-fail) no\nstep \"Look\" readonly {{\n{curl}\n}}");
    assert_eq!(codes(&outside), ["unused-allow 2", "curl-no-fail 4"]);
}

#[test]
fn an_allow_says_what_and_why() {
    let of = |comment: &str| looking(&format!("{comment}\n$ curl -s http://x/"));
    for wrong in ["# rbk: allow(curl-no-fail)", "# rbk: allow(curl-no-fail) - "] {
        assert_eq!(of(wrong), ["bad-allow 3"], "{wrong}");
    }
    for wrong in ["# rbk: allow curl-no-fail", "# rbk: allow(curl) why"] {
        assert_eq!(of(wrong), ["bad-allow 3", "curl-no-fail 4"], "{wrong}");
    }
    assert_eq!(of("# rbk: allow(unbounded-follow) why"), ["unused-allow 3", "curl-no-fail 4"]);
    assert_eq!(of("# rbk: allow(unbounded-follow, curl-no-fail) why"), ["unused-allow 3"]);
    // What is wrong stays wrong.
    let error = codes("# rbk: allow(missing-rollback) why\nstep \"x\" { $ mkdir y }");
    assert_eq!(error, ["bad-allow 2", "missing-rollback 3"]);
    // A text that says so is a text.
    assert_eq!(codes("log \"# rbk: allow(curl) no\""), [""; 0]);
}

/// The codes said of a step that does these.
fn doing(commands: &str) -> Vec<String> {
    codes(&format!("step \"Do\" timeout 1m {{\n{commands}\nrollback none \"x\"\n}}"))
}

/// Statements of a step with an undo.
fn undone(step: &str, commands: &str, undo: &str) -> String {
    format!("step \"{step}\" timeout 1m {{\n{commands}\nrollback {{\n{undo}\n}}\n}}\n")
}

#[test]
fn a_downgrade_is_wrong_only_behind_the_checkout_of_its_own_block() {
    let said = |body: String| codes(&body).into_iter().filter(|c| c.starts_with("downgrade-")).collect::<Vec<_>>();
    let (before, new) = ("let before = $ git rev-parse HEAD", "$ git checkout v2");
    let (code, data) = ("$ git checkout #{before}", "$ python manage.py migrate app 0041");
    let forward = format!("{before}\n{new}\n$ python manage.py migrate --noinput");
    assert_eq!(said(undone("Deploy", &forward, &format!("{code}\n{data}"))), ["downgrade-after-checkout 8"]);
    assert_eq!(said(undone("Deploy", &forward, &format!("{data}\n{code}"))), [""; 0]);
    // The last step is undone first.
    let two =
        undone("Code", &format!("{before}\n{new}"), code) + &undone("Migrate", "$ python manage.py migrate", data);
    assert_eq!(said(two), [""; 0]);
    // Forward, to a migration by its number.
    assert_eq!(doing("$ git checkout v2\n$ python manage.py migrate app 0042"), [""; 0]);
    assert_eq!(doing("$ git checkout v1\n$ python manage.py migrate app zero"), ["downgrade-after-checkout 4"]);
    assert_eq!(doing("$ git checkout v1\n$ alembic downgrade 0041"), ["downgrade-after-checkout 4"]);
}

#[test]
fn what_ends_or_holds_nothing_up_is_no_finding() {
    for fine in [
        "$ vim --version",
        "$ less --help",
        "$ tail -F /var/log/x & ./smoke; kill $!",
        "$ kubectl port-forward deploy/web 8080 & ./smoke; kill $!",
    ] {
        assert_eq!(doing(fine), [""; 0], "{fine}");
    }
    assert_eq!(doing("$ vim notes"), ["interactive-command 3"]);
    assert_eq!(doing("$ tail -F /var/log/x; kill 1"), ["unbounded-follow 3"]);
    assert_eq!(doing("$ kubectl port-forward deploy/web 8080 &"), ["lost-exit-code 3"]);
}

#[test]
fn a_message_names_what_of_the_command_it_means() {
    let message = |command: &str| {
        let text = format!(
            "runbook \"t\" {{ owner \"me\"; reviewed 2026-11-01; deadline 1h; rollback within 5m\nstep \"x\" timeout 1m \
             {{\n$ {command}\nrollback none \"x\"\n}}\n}}\n"
        );
        said(&text).join("; ").split('`').nth(1).unwrap_or_default().to_owned()
    };
    for (command, named) in [
        ("redis-cli -h cache FLUSHALL", "redis-cli FLUSHALL"),
        ("kubectl rollout undo deployment/web -n shop", "kubectl rollout undo"),
        ("git push origin main --force", "git push --force"),
        ("docker system prune -af", "docker system prune"),
        ("docker compose down -v", "docker compose down -v"),
        ("aws rds delete-db-instance --db-instance-identifier x", "aws rds delete-db-instance"),
        ("aws --region eu-west-1 ec2 terminate-instances --instance-ids i-1", "aws ec2 terminate-instances"),
        ("kubectl delete namespace shop", "kubectl delete namespace"),
        ("kubectl -n shop delete pvc data-0", "kubectl delete pvc"),
        ("kubectl delete deployment/web -n shop", "kubectl delete deployment/web"),
        ("rsync -a --delete a/ b/", "rsync --delete"),
        ("crontab -r", "crontab -r"),
    ] {
        assert_eq!(message(command), named, "{command}");
    }
    for harmless in ["docker compose down", "rsync -an --delete a/ b/", "rsync -a a/ b/", "crontab new.cron"] {
        let said = doing(&format!("$ {harmless}"));
        assert!(!said.iter().any(|c| c.starts_with("destructive-")), "{harmless}: {said:?}");
    }
}

#[test]
fn what_goes_back_begins_again_as_a_whole_too() {
    let book = |back: &str| {
        codes(&format!(
            "step \"Update\" timeout 1m {{\n$ git checkout v2\n$ systemctl restart shop-web shop-celery shop-beat\nrollback {{\n$ git checkout v1\n\
             $ systemctl restart {back}\n}}\n}}"
        ))
    };
    assert_eq!(book("shop-web shop-celery shop-beat"), [""; 0]);
    assert_eq!(book("shop-web shop-celery"), ["half-restarted 7"]);
    let again = "step \"Update\" timeout 1m {\n$ git checkout v2\n$ systemctl restart shop-web shop-beat\nrollback none \"x\"\n}\n\
                 step \"Back\" timeout 1m {\n$ git checkout v1\n$ systemctl restart shop-web\nrollback none \"x\"\n}";
    assert_eq!(codes(again), ["half-restarted 9"]);
}

#[test]
fn a_dump_is_told_by_its_name_and_a_probe_by_what_stands_before() {
    assert_eq!(doing("$ psql -h db -d shop -v ON_ERROR_STOP=1 -f migrations/0041.sql"), [""; 0]);
    assert_eq!(doing("$ psql -h db -d shop -v ON_ERROR_STOP=1 -f shop-backup.sql"), ["unproven-restore 3"]);
    assert_eq!(doing("$ docker compose up -d --wait\n$ curl -f http://x/"), [""; 0]);
    assert_eq!(doing("$ docker compose up -d\n$ curl -f http://x/"), ["single-probe 4"]);
    assert_eq!(doing("$ curl --fail-early http://x/"), ["curl-no-fail 3"]);
}

#[test]
fn what_a_template_leaves_open_is_found() {
    for open in [
        "git clone <repository-url>",
        "git checkout <matching-commit>",
        "git show <revision_id>",
        "git show <revision>",
        "docker compose restart [service-name]",
        "ping -c 1 YOUR_HOST",
        "ssh user@your-server uptime",
        "kubectl logs pod-name-xxxxx",
    ] {
        assert_eq!(doing(&format!("$ {open}")), ["placeholder 3"], "{open}");
    }
    for fine in ["ls [a-z]*", "ls [0-9]", "tr -d '[a-z]'", "echo '[not-found]'"] {
        let said = doing(&format!("$ {fine}"));
        assert!(!said.contains(&"placeholder 3".to_owned()), "{fine}: {said:?}");
    }
}

#[test]
fn an_allow_that_is_almost_one_is_told() {
    let of = |comment: &str| looking(&format!("{comment}\n$ curl -s http://x/"));
    for almost in [
        "# rbk:allow(curl-no-fail) it may be down",
        "## rbk: allow(curl-no-fail) it may be down",
        "# RBK: Allow(curl-no-fail) it may be down",
        "#rbk: disable(curl-no-fail) it may be down",
        "# rbk : allow(curl-no-fail) it may be down",
        "# rbk: ignore curl-no-fail",
    ] {
        assert_eq!(of(almost), ["bad-allow 3", "curl-no-fail 4"], "{almost}");
    }
    for fine in ["# rbk: see docs/check.md", "# what rbk: allow means", "# in brackets: allow(x)"] {
        assert_eq!(of(fine), ["curl-no-fail 4"], "{fine}");
    }
    assert_eq!(codes("log \"# rbk:allow(curl) no\""), [""; 0]);
}

#[test]
fn a_guard_counts_when_it_is_about_what_is_destroyed() {
    let rm = "$ rm -rf /srv/app/releases";
    for unrelated in [
        "guard \"unrelated\": $ true",
        "guard \"the site answers\": $ curl -fsS https://shop.example/",
        "guard \"there is room\": $ test -d /srv/backup",
        "let free = $ df --output=avail /backup\nguard \"room\": free.int() > 10",
    ] {
        assert_eq!(doing(&format!("{unrelated}\n{rm}")).len(), 1, "{unrelated}");
    }
    for about in [
        "guard \"a few\": $ test -d /srv/app/releases",
        "guard \"the releases are old\": $ ./ask-somebody",
        "let count = $ ls /srv/app/releases | wc -l\nguard \"a few\": count.int() < 5",
        "confirm \"Go on?\"",
    ] {
        assert_eq!(doing(&format!("{about}\n{rm}")), [""; 0], "{about}");
    }
    // What the run was given decides.
    let given = "param place: \"staging\" | \"production\"\nstep \"Do\" timeout 1m {\nguard \"only there\": place == \"staging\"\n\
                 $ rm -rf /srv/app\nrollback none \"x\"\n}";
    assert_eq!(codes(given), [""; 0]);
    // A guard below comes too late.
    assert_eq!(doing(&format!("{rm}\nguard \"a few\": $ test -d /srv/app/releases")), ["destructive-unguarded 3"]);
}

#[test]
fn a_rollback_destroys_only_what_its_step_has_made() {
    let step = |before: &str, made: &str, undo: &str| {
        codes(&format!("step \"Make\" timeout 1m {{\n{before}\n$ {made}\nrollback {{ {undo} }}\n}}"))
    };
    for (made, undo) in [
        ("createdb -h db-1 shop_next", "$ dropdb -h db-1 --if-exists shop_next"),
        ("mkdir -p releases/v2 && touch releases/v2/x", "$ rm -rf releases/v2"),
        ("git tag v2", "$ git tag -d v2"),
        ("sudo useradd -m deploy", "$ sudo userdel deploy"),
        ("docker volume create shop", "$ docker volume rm shop"),
    ] {
        assert_eq!(step("", made, undo), ["undo-takes-more 5"], "{made}");
    }
    let (made, undo) = ("createdb -h db-1 shop_next", "$ dropdb -h db-1 shop_next");
    for new in [
        "done when $ psql -h db-1 -d shop_next -Atqc \"select true\"",
        "guard \"shop_next is new\": $ ./is-new.sh shop_next",
        "confirm \"Go on?\"",
    ] {
        assert_eq!(step(new, made, undo), [""; 0], "{new}");
    }
    // Another thing, one of this run, one that is empty, one that the rollback asks for.
    assert_eq!(step("", made, "$ dropdb -h db-1 shop_old"), [""; 0]);
    assert_eq!(step("let name = \"next_#{run.id}\"", "createdb -h db-1 #{name}", "$ dropdb -h db-1 #{name}"), [""; 0]);
    assert_eq!(step("", "mkdir releases/v2", "$ rmdir releases/v2"), [""; 0]);
    let asks = "if there == \"\" { $ dropdb -h db-1 shop_next }";
    assert_eq!(step("let there = $ ./is-there.sh shop_next", made, asks), [""; 0]);
}

#[test]
fn what_destroys_and_what_only_shows() {
    for command in [
        "zfs destroy -r tank/shop",
        "zpool destroy tank",
        "aws s3 sync build/ s3://shop --delete",
        "aws s3 rm s3://shop/x --recursive",
        "etcdctl --endpoints e1 del /shop --prefix",
        "iptables -F",
        "iptables -t nat -F",
        "kafka-topics.sh --bootstrap-server k:9092 --delete --topic orders",
        "terraform apply -auto-approve",
        "terraform destroy",
        "consul kv delete -recurse shop/",
        "gsutil -m rm -r gs://shop/x",
    ] {
        assert_eq!(doing(&format!("$ {command}")), ["destructive-unguarded 3"], "{command}");
    }
    for fine in
        ["aws s3 sync build/ s3://shop", "zfs snapshot tank/shop@now", "terraform apply plan.out", "git clean -nfd"]
    {
        let said = doing(&format!("$ {fine}"));
        assert!(!said.iter().any(|c| c.starts_with("destructive-")), "{fine}: {said:?}");
    }
}

/// The message about a command in a step, and what of the text it points at.
fn pointed(command: &str) -> (String, String) {
    let text = format!(
        "runbook \"t\" {{ owner \"me\"; reviewed 2026-11-01; deadline 1h; rollback within 5m\nstep \"x\" timeout 1m {{\n\
         $ {command}\nrollback none \"x\"\n}}\n}}\n"
    );
    let opened = session::open_text("a.rbk", &text, &session::Disk);
    let advised = session::advice::advise(opened, today());
    let found: Vec<_> = advised.found.iter().filter(|d| d.code.name() == "sample-secret").collect();
    let [one] = found.as_slice() else { return (format!("{} findings", found.len()), String::new()) };
    (one.message.clone(), advised.sources.text(one.span()).to_owned())
}

#[test]
fn a_password_in_the_text_is_found_where_it_stands() {
    for (command, what) in [
        ("mysql -h h -uroot -phunter2 -e \"select 1\"", "behind `-p`"),
        ("redis-cli -h h -a hunter2 ping", "behind `-a`"),
        ("docker login -u x -p hunter2 registry.example", "behind `-p`"),
        ("sshpass -p hunter2 ssh host uptime", "behind `-p`"),
        ("kubectl create secret generic x --from-literal=pw=hunter2", "`pw`"),
        ("kubectl create secret generic x --from-literal pw=hunter2", "`pw`"),
        ("curl -fsS -H \"X-Api-Key: hunter2\" https://x.io/", "`X-Api-Key`"),
        ("curl -fsS -H 'Authorization: Bearer hunter2' https://x.io/", "`Authorization`"),
        ("curl -fsS -H \"PRIVATE-TOKEN: hunter2\" https://x.io/", "`PRIVATE-TOKEN`"),
        ("export AWS_SECRET_ACCESS_KEY=hunter2", "`AWS_SECRET_ACCESS_KEY`"),
        ("AWS_SECRET_ACCESS_KEY=hunter2 aws s3 ls", "`AWS_SECRET_ACCESS_KEY`"),
        ("curl -fsS -u admin:hunter2 https://x.io/", "of the user `admin`"),
        ("psql postgres://u:hunter2@h/d -c \"select 1\"", "of the user `u`"),
        ("openssl enc -aes-256-cbc -k hunter2 -in f", "behind `-k`"),
    ] {
        let (message, at) = pointed(command);
        assert!(message.contains(what) && at == "hunter2", "{command}: {message}, at `{at}`");
    }
    for fine in [
        "docker run -p 8080:80 nginx",
        "mysql -h h -p shop",
        "mkdir -p /srv/x",
        "redis-cli -a \"$REDIS\" ping",
        "openssl enc -pass env:KEY -in f",
        "kubectl create configmap x --from-literal=colour=blue",
        "curl -fsS -H \"Content-Type: application/json\" https://x.io/",
        "curl -fsS -u admin https://x.io/",
        "ssh -p 2222 host uptime",
    ] {
        assert_eq!(pointed(fine).0, "0 findings", "{fine}");
    }
}

#[test]
fn small_things_are_told_once_and_rightly() {
    // The whole pipeline runs in the background.
    assert_eq!(doing("$ tail -f x | grep y & ./smoke; kill $!"), [""; 0]);
    assert_eq!(doing("$ tail -f x | grep y"), ["unbounded-follow 3", "grep-as-check 3"]);
    // Somebody may live there; nobody lives at `your-domain.com`.
    assert_eq!(looking("$ ping -c 1 shop.your-shoes.com"), [""; 0]);
    for open in
        ["ping -c 1 www.your-domain.com", "ping -c 1 YOUR_HOST", "ssh -T <your-host>", "ssh -T your-host uptime"]
    {
        let said = doing(&format!("$ {open}"));
        assert!(said.contains(&"placeholder 3".to_owned()), "{open}: {said:?}");
    }
    // A choice, told by a line of text; what may fail is what stands before that.
    assert_eq!(looking("$ [ -f x ] && echo yes || echo no"), [""; 0]);
    assert_eq!(looking("$ grep -q a x && printf yes || printf no"), [""; 0]);
    assert_eq!(doing("$ ./deploy &&\\\n  echo ok || echo failed"), ["lost-exit-code 3"]);
    // What starts it and it itself are one.
    assert_eq!(doing("$ nohup ./srv &"), ["lost-exit-code 3"]);
    // A name to be filled in hides only itself.
    assert!(doing("$ ssh web <TAB>\n$ git checkout <SHIFT-TAB>").contains(&"shell-syntax 3".to_owned()));
    // Once a block.
    let compose =
        "$ docker compose -f prod.yml pull\n$ docker compose ps\n$ docker compose logs api\n$ docker compose top";
    assert_eq!(looking(compose), ["other-project 4"]);
    // A blank is missing, and nothing else.
    let glued = said("runbook \"t\" {\n  owner \"me\"\n  deadline 1h\n  step\"w\" readonly { log \"x\" }\n}\n");
    assert_eq!(glued, ["syntax 4: a blank is missing behind `step`"]);
}
