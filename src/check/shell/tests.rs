use super::*;
use crate::check::program::Class::{Read, Unknown, Write};
use crate::check::program::How::{Bare, InDouble, InHeredoc, InRawHeredoc, InSingle};
use crate::source::FileId;
use crate::syntax::ast::{Expr, ExprKind};
use crate::value::SmolStr;

/// `@` stands for a hole.
fn parts(text: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut at = 0;
    for (i, piece) in text.split('@').enumerate() {
        if i > 0 {
            let span = Span::new(FileId(0), at, at + 1);
            out.push(Part::Hole { expr: Expr { kind: ExprKind::Null, span }, span });
            at += 1;
        }
        let span = Span::new(FileId(0), at, at + piece.len());
        out.push(Part::Text { text: piece.into(), span });
        at += piece.len();
    }
    out
}

fn look(text: &str) -> Analysis {
    let mut reads = Reads::default();
    ["patronictl list", "./ask-*"].iter().for_each(|line| reads.add(SmolStr::new(line)));
    analyse(&parts(text), &Shell::Bash, &reads)
}

fn hows(text: &str) -> Vec<How> {
    look(text).holes.into_iter().map(|h| h.how).collect()
}

#[test]
fn a_value_is_quoted_for_the_place_it_stands_in() {
    let cases: &[(&str, &[How])] = &[
        ("echo @ x@y", &[Bare, Bare]),
        ("echo \"a @ b\" '@'", &[InDouble, InSingle]),
        ("echo \"$(cmd @)\" \"$(cmd \"@\")\"", &[Bare, InDouble]),
        ("echo \"it's @\"", &[InDouble]),
        ("echo 'say \"@\"'", &[InSingle]),
        ("cat <<EOF\na @ $(id @)\nEOF\necho @", &[InHeredoc, Bare, Bare]),
        ("cat <<'EOF'\na @ $(id @)\nEOF\necho '@'", &[InRawHeredoc, InRawHeredoc, InSingle]),
        ("cat <<-\"E\" | grep @\n\t@\n\tE\necho @", &[Bare, InRawHeredoc, Bare]),
        ("cat <<A <<B\n@\nA\n@ EOF\nB\necho \"@\"", &[InHeredoc, InHeredoc, InDouble]),
        ("diff <(sort @) <(sort \"@\")", &[Bare, InDouble]),
        ("x=@ y=\"@\" cmd > @", &[Bare, InDouble, Bare]),
        ("case @ in a) echo '@';; *) echo @;; esac; echo \"@\"", &[Bare, InSingle, Bare, InDouble]),
        ("echo $((1 + @))", &[InDouble]),
        ("echo a\\ @ \\\"@", &[Bare, Bare]),
        ("a=(x @ 'y@')", &[Bare, InSingle]),
        ("[[ $x == @ && -f @ ]]", &[Bare, Bare]),
        ("echo \"${x:-'}\" @", &[Bare]),
    ];
    for (text, expected) in cases {
        let seen = look(text);
        assert_eq!(hows(text), *expected, "{text}");
        assert!(seen.problems.is_empty(), "{text}: {:?}", seen.problems);
    }
}

#[test]
fn where_no_quoting_helps_a_value_is_refused() {
    for (text, code) in [
        ("echo `date @`", "value-in-backticks"),
        ("echo \"`date \"@\"`\"", "value-in-backticks"),
        ("echo ${x:-@}", "value-in-code"),
        ("echo $'a@'", "value-in-code"),
        ("echo $@", "value-in-code"),
        ("echo \"$@\"", "value-in-code"),
        ("echo \\@", "value-in-code"),
        ("make # with @", "value-in-code"),
        ("cat <<@\nx", "value-in-code"),
    ] {
        let problems = look(text).problems;
        assert_eq!(problems.iter().map(|d| d.code.name()).collect::<Vec<_>>(), [code], "{text}");
        let hole = text.find('@').unwrap();
        assert_eq!(problems[0].span().start as usize, hole, "{text}");
    }
}

#[test]
fn values_in_inner_code_name_the_program() {
    for (text, inner) in [
        ("mysql -e \"select @\"", Some("mysql")),
        ("psql -d db -Atc 'select @'", Some("psql")),
        ("psql --command=\"select @\"", Some("psql")),
        ("psql -d @ -c 'select 1'", None),
        ("bash -c \"echo @\"", Some("bash")),
        ("sudo -u deploy bash -lc 'cd @'", Some("bash")),
        ("bash script.sh @", None),
        ("bash -c 'echo \"$1\"' _ @", None),
        ("jq \".x == \\\"@\\\"\" f.json", Some("jq")),
        ("jq --arg v @ '.x == $v'", None),
        ("jq . @", None),
        ("awk '$1 == \"@\"' f", Some("awk")),
        ("awk -v v=@ '$1 == v' f", None),
        ("sed 's/a/@/' f", Some("sed")),
        ("sed -n -e s/@/x/ f", Some("sed")),
        ("sed -e s/b/x/ @", None),
        ("python3 -c 'print(@)'", Some("python3")),
        ("perl -ne 'print if /@/'", Some("perl")),
        ("ssh -p 22 host \"rm @\"", Some("ssh")),
        ("ssh @ uptime", None),
        ("eval \"x=@\"", Some("eval")),
        ("find . -exec sh -c 'rm @' {} +", Some("sh")),
        ("ls | xargs -I{} sh -c \"mv {} @\"", Some("sh")),
        ("kubectl exec pod -- sh -c 'cat @'", Some("sh")),
        ("docker exec -u root web bash -c 'cat @'", Some("bash")),
        ("psql db <<EOF\nselect '@'\nEOF\n", Some("psql")),
        ("cat <<EOF > f\n@\nEOF\n", None),
        ("echo \"select @\" | psql db", Some("psql")),
        ("cat <<EOF | ssh host bash\nrm @\nEOF\n", Some("bash")),
        ("bash -s <<< \"rm @\"", Some("bash")),
        ("echo $((@ + 1))", Some("$(( ))")),
        ("[[ 1 -eq @ ]]", Some("[[")),
        ("timeout 5 jq \"@\" f", Some("jq")),
        ("grep @ file", None),
        ("x=$(psql -c \"select @\")", Some("psql")),
    ] {
        let holes = look(text).holes;
        assert_eq!(holes[0].inner.as_deref(), inner, "{text}");
    }
}

#[test]
fn g3_a_known_read_is_one_all_through() {
    for text in [
        "grep -q x f",
        "test -f releases/@/health",
        "cat releases/@/VERSION",
        "readlink current",
        "ls -l | wc -l",
        "git -C @ rev-parse HEAD",
        "git log --oneline -5",
        "kubectl -n prod get pods -o json | jq .items",
        "kubectl get deploy/web -o json 2>/dev/null",
        "aws ec2 describe-instances --region eu-west-1",
        "curl -fsS -o /dev/null -w '%{http_code}' http://x/health",
        "curl -sf -m 5 http://x > /dev/null 2>&1",
        "psql -Atc 'SELECT 1'",
        "psql -d app -c \"select count(*) from t\"",
        "find . -name x -mtime +1",
        "sort -rn -k 2 f | head -5",
        "systemctl is-active web",
        "test -z \"$(git status --porcelain)\"",
        "if grep -q a f; then cat f; else cat g; fi",
        "for f in a b; do cat $f; done",
        "LC_ALL=C sort f",
        "x=$(cat f); test \"$x\" = 1",
        "patronictl list",
        "./ask-nicely @",
        "/usr/bin/grep x f",
        "timeout 5 pg_isready -h db",
        "[[ -f x && ! -d y ]]",
        "redis-cli -h cache ping",
        "! grep -q x f",
        "nginx -t",
        "cat <<EOF\nx\nEOF",
    ] {
        assert_eq!(look(text).class, Read, "{text}");
    }
}

#[test]
fn g1_a_known_write_is_one_in_every_place() {
    for text in [
        "rm -rf build",
        "/bin/rm x",
        "echo x > f",
        "cat a >> @",
        "ls &> log",
        "find . -name x -delete",
        "find . -exec rm {} +",
        "sed -i s/a/b/ f",
        "sed -ni p f",
        "curl -X POST http://x",
        "curl -XDELETE http://x",
        "curl -d a=b http://x",
        "curl -sSd a=b http://x",
        "kubectl delete pod x",
        "kubectl -n prod apply -f -",
        "kubectl get pods | xargs kubectl delete",
        "git rev-parse $(rm x)",
        "psql -c 'DELETE FROM t'",
        "psql -c \"select pg_terminate_backend(1)\"",
        "systemctl restart web",
        "sudo systemctl restart web",
        "echo x | tee f",
        "git push origin main",
        "git -C /srv/app checkout main",
        "git --no-pager push",
        "git -c a=b --no-pager push",
        "redis-cli --tls set a b",
        "redis-cli --tls --cacert ca.pem Set a b",
        "kubectl --context prod --warnings-as-errors delete pod x",
        "test -f x && mv x y",
        "docker compose up -d",
        "aws s3 rm s3://x",
        "timeout 5 kill 1",
    ] {
        assert_eq!(look(text).class, Write, "{text}");
    }
}

#[test]
fn what_only_shows_what_it_would_do_is_a_read() {
    for text in [
        "kubectl apply --dry-run=server -f x.yaml",
        "kubectl -n shop delete pod x --dry-run=client",
        "logrotate -d /etc/logrotate.d/shop",
        "rsync -an a/ b/",
        "rsync -av --dry-run --delete a/ b/",
        "git push --dry-run origin main",
        "git -C /srv/app push -n",
        "git clean -fdn",
        "kill -0 123",
        "kill -s 0 123",
        "pkill -0 nginx",
        "printf '%s' \"$X\"",
        "printf '%s\\n' @",
        "terraform plan",
        "terraform plan -lock=false",
        "nginx -t",
        "apt-get -s upgrade",
        "apt-get install --simulate nginx",
        "ansible-playbook --check site.yml",
        "ansible web -m copy -C",
        "make -n deploy",
        "make -C sub -n deploy",
        "helm upgrade --dry-run web ./web",
        "helm install web ./web --dry-run=server",
        "certbot renew --dry-run",
        "crontab -l",
        "crontab -u bob -l",
        "alembic upgrade head --sql",
        "python manage.py migrate --check",
        "./manage.py migrate --plan",
        "aws s3 sync --dryrun a s3://b",
        "aws s3 cp s3://b/x -",
        "ls | tee /dev/stderr",
        "gunzip -t x.gz",
        "gunzip -c x.gz | head -1",
        "mount",
        "iptables -L -n",
        "pg_dump -h h -s d",
        "sudo -n true; git stash list",
    ] {
        let seen = look(text).class;
        assert!(if text.starts_with("sudo") { seen == Unknown } else { seen == Read }, "{text}: {seen:?}");
    }
    for text in [
        "kubectl apply --dry-run=none -f x.yaml",
        "kubectl exec x -- rm y --dry-run=client",
        "rsync -a a/ b/",
        "rsync -a -- -n b/",
        "git push --dry-run --no-dry-run",
        "helm upgrade --dry-run=none web ./web",
        "kill -9 123",
        "mount /dev/sdb1 /mnt",
        "ls | tee /dev/sda",
        "aws s3 cp s3://b/x y",
        "rsync -an a/ b/ && rm -r a",
        "rsync -an a/ b/ > list",
    ] {
        assert_eq!(look(text).class, Write, "{text}");
    }
    // The value could take it back.
    for text in ["rsync -an @ b/", "git push --dry-run \"$X\"", "printf @", "terraform plan -out=x"] {
        assert_eq!(look(text).class, Unknown, "{text}");
    }
}

#[test]
fn what_is_known_to_write_is_no_read_by_anybodys_word() {
    for text in [
        "python manage.py migrate",
        "/srv/venv/bin/python manage.py migrate --noinput",
        "./manage.py migrate app 0042",
        "alembic upgrade head",
        "alembic -c prod.ini downgrade -1",
        "bundle exec rails db:migrate",
        "poetry run alembic upgrade head",
        "npx prisma migrate deploy",
        "curl -fsSL https://x.io/install.sh | bash",
        "curl -fsSL https://x.io/install.sh | sudo bash -s -- --yes",
        "wget -qO- https://x.io/install.py | python3 -",
        "curl -s x | sed s/a/b/ | sh",
        "bash -c \"$(curl -fsSL https://x.io/install.sh)\"",
        "bash <(curl -fsSL https://x.io/install.sh)",
        "source <(curl -s x)",
        "make deploy",
        "make -C sub deploy-prod",
        "certbot renew",
        "certbot -q renew",
        "crontab new.cron",
        "echo x | crontab -",
        "zfs destroy tank/x",
    ] {
        assert_eq!(look(text).class, Write, "{text}");
    }
    for text in [
        "curl -s x | python3 -m json.tool",
        "curl -s x | python3 -c 'print(1)'",
        "curl -s x | ssh h cat",
        "bash x.sh \"$(curl -s x)\"",
        "ansible web -m ping",
        "make test",
        "alembic merge heads",
    ] {
        assert_eq!(look(text).class, Unknown, "{text}");
    }
}

#[test]
fn g3_the_rest_is_unknown() {
    for text in [
        "./current.sh",
        "make check",
        "sudo cat /etc/shadow",
        "@ -f x",
        "kubectl @ pods",
        "sort @",
        "sort --out=x f",
        "find @ -name x",
        "find . -exec ./x {} +",
        "PATH=. grep x f",
        "grep x f | ./x",
        "cat $(./x)",
        "pg_restore --file=/dev/null @",
        "git -c core.pager=x log",
        "kubectl --dry-run=server apply -f x",
        "git --exec-path x push",
        "f() { cat x; }; f",
        "curl @",
        "psql -f x.sql",
        "./grep x",
        "bash -c 'cat x'",
        "",
    ] {
        assert_eq!(look(text).class, Unknown, "{text}");
    }
}

#[test]
fn f6_only_plain_words_run_without_a_shell() {
    for text in ["./deploy.sh @ @", "git -C @ rev-parse HEAD", "make", "systemctl restart web@1", "cmd --x=@,@"] {
        assert!(look(text).direct, "{text}");
    }
    for text in [
        "echo a",
        "cd x",
        "./x | y",
        "./x > f",
        "./x $HOME",
        "./x ~",
        "./x *",
        "./x a;b",
        "@ x",
        "X=1 cmd",
        "test -f x",
        "./x 'a'",
        "./x \"a\"",
        "./x &",
        "if",
        "./x # c",
        "./x {a,b}",
        "./a\n./b",
        "./x \\\n y",
        "[ a ]",
        "! x",
        "",
    ] {
        assert!(!look(text).direct, "{text}");
    }
}

#[test]
fn variables_in_arguments_are_seen() {
    let names = |text: &str| look(text).variables.into_iter().map(|(n, _)| n.to_string()).collect::<Vec<_>>();
    assert_eq!(names("curl -H \"X: $T\" ${U}"), ["T", "U"]);
    assert_eq!(names("echo \"$T\" | curl -H @-"), [""; 0]);
    assert_eq!(names("X=$T cmd < $F"), [""; 0]);
    assert_eq!(names("cat '$T'"), [""; 0]);
    assert_eq!(names("x \"$(mysql -p$P)\""), ["P"]);
    let (_, span) = look("curl $T").variables[0].clone();
    assert_eq!((span.start, span.end), (5, 7));
}

#[test]
fn a_backtick_that_ends_a_list_or_a_condition_ends_the_scan() {
    for text in ["echo `[[ a `", "echo `a=(b `", "`[[ `*/[", "`x=(`"] {
        assert_eq!(look(text).class, Class::Unknown, "{text}");
    }
}
