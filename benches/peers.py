#!/usr/bin/env python3
"""Times rbk beside what else does the same work, and beside the least that the machine needs for it.

usage: benches/peers.py [--runs N] [RBK]        (RBK: target/release/rbk)

Peers come from PATH, or from the folders in $PEERS (colon-separated): make, bash, just, nu, hurl, psql, redis-cli. The
limits need a C compiler and pgbench; the servers nginx, redis-server and PostgreSQL, which are started here, privately, on
free ports. What is not there is said and left out. Everything is pinned to one CPU, servers too, so that no wake-up crosses
CPUs. Behind each ratio of times stands the ratio of processor times in brackets, servers not counted: where all of the work is
in processes of the program itself it holds still on a machine that does other things too. Each figure is the median of N rounds; in a round every program of a row runs once. "One more" is the slope
(T(1000) - T(1)) / 999, start-up left out.
"""
import argparse, glob, os, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

ONE, MANY = 1, 1000
here = os.path.dirname(os.path.abspath(__file__))
ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ask.add_argument("--runs", type=int, default=7)
ask.add_argument("--only", default="", help="rows whose name holds this")
ask.add_argument("rbk", nargs="?", default=os.path.join(here, "..", "target", "release", "rbk"))
ask = ask.parse_args()
RBK = os.path.abspath(ask.rbk)
postgres = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1:]
PATH = ":".join(postgres + [p for p in os.environ.get("PEERS", "").split(":") if p] + [os.environ["PATH"]])
work = tempfile.mkdtemp(prefix="rbk-peers-")
env = {"PATH": PATH, "HOME": work, "LC_ALL": "C.UTF-8", "XDG_STATE_HOME": os.path.join(work, "state")}
skipped, servers = [], []


def have(tool):
    path = shutil.which(tool, path=PATH)
    if not path:
        skipped.append(tool)
    return path


def put(name, text):
    path = os.path.join(work, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def book(name, body):
    return put(name + ".rbk", 'runbook "b" {\n  deadline 1h\n' + body + "}\n")


def once(command):
    """Seconds, seconds of the processor, MiB of its largest process. A list; a `<FILE` at its end is its standard input."""
    given = "/dev/null"
    if command[-1].startswith("<"):
        command, given = command[:-1], command[-1][1:]
    files = [(os.POSIX_SPAWN_OPEN, 0, given, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
             (os.POSIX_SPAWN_OPEN, 2, os.path.join(work, "errors"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)]
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, env, file_actions=files)
    _, status, used = os.wait4(pid, 0)
    took = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        print(f"{' '.join(command)} ended with {code}:", open(os.path.join(work, 'errors')).read(), file=sys.stderr)
    return took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measure(programs):
    """{name: (command,) or (command of ONE, command of MANY)} -> {name: (seconds of one, of the processor, MiB)}"""
    found = {name: [] for name in programs}
    for turn in range(ask.runs + 1):
        for name, commands in programs.items():
            rounds = [once(command) for command in commands]
            each = [rounds[-1][i] if len(rounds) == 1 else (rounds[1][i] - rounds[0][i]) / (MANY - ONE) for i in (0, 1)]
            if turn > 0:
                found[name].append((*each, max(memory for *_, memory in rounds)))
    middle = lambda figures: (*(statistics.median(column) for column in list(zip(*figures))[:2]), max(f[2] for f in figures))
    return {name: middle(figures) for name, figures in found.items()}


def shown(seconds):
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def row(what, rbk, peers, limit, memory=False):
    """`peers`: {name: commands}; `limit`: (name, commands) or None. What is None is not there."""
    if ask.only not in what:
        return
    programs = {"rbk": rbk} | {name: commands for name, commands in peers.items() if commands}
    if limit and limit[1]:
        programs[limit[0]] = limit[1]
    took = measure(programs)
    mine, worked, used = took["rbk"]
    ratio = lambda name: f"{mine / took[name][0]:.2f} ({worked / max(took[name][1], 1e-9):.2f}) × {name}, {shown(took[name][0])}"
    beside = ", ".join(ratio(name) for name, commands in peers.items() if commands) or "–"
    least = ratio(limit[0]) if limit and limit[1] else "–"
    size = f", {used:.0f} MiB" if memory else ""
    print(f"| {what} | {shown(mine)}{size} | {beside} | {least} |", flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answering(port):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return port
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing answers on port {port}: see {work}")


def serve(tool, *arguments, user=None):
    path = have(tool)
    if path:
        log = open(os.path.join(work, tool + ".log"), "w")
        servers.append(subprocess.Popen([path, *arguments], stdout=log, stderr=log, env=env, user=user))
    return path


def nginx():
    port, www = free_port(), os.path.join(work, "www")
    os.makedirs(www)
    put("www/index.html", '{"status":"ok"}\n')
    conf = put("nginx.conf", f"""worker_processes 1; daemon off; pid {work}/nginx.pid; error_log {work}/nginx.err;
{"user root;" if os.getuid() == 0 else ""}
events {{ worker_connections 64; }}
http {{ access_log off; keepalive_requests 10000000; client_body_temp_path {work}/t1; proxy_temp_path {work}/t2;
  fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  server {{ listen 127.0.0.1:{port}; root {www}; default_type application/json; }} }}
""")
    return serve("nginx", "-c", conf, "-e", work + "/nginx.err") and answering(port)


def redis():
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", work]
    return serve("redis-server", *options) and answering(port)


def database():
    tools = have("initdb"), have("postgres")
    if not all(tools):
        return None
    port, data = free_port(), os.path.join(work, "data")
    user = "postgres" if os.getuid() == 0 else None
    os.chmod(work, 0o755)
    os.makedirs(data)
    if user:
        shutil.chown(data, user)
    made = [tools[0], "-D", data, "-A", "trust", "-U", "postgres"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, env=env, user=user, cwd="/")
    options = ["-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    return serve("postgres", *options, user=user) and answering(port)


def limits():
    compiler = have("cc")
    if not compiler:
        return None
    program = os.path.join(work, "limits")
    subprocess.run([compiler, "-O2", "-o", program, os.path.join(here, "limits.c")], check=True)
    return program


def sized(write):
    """One thing written for ONE and for MANY."""
    return [write(ONE), write(MANY)]


def run(files, *options):
    options = options or ("--journal", "none")
    return [[RBK, "run", *options, file] for file in files]


def shell_books(name, head, body):
    text = lambda n: head + "".join(f'  step "s{i}" readonly {{ {body} }}\n' for i in range(n))
    return sized(lambda n: book(f"{name}{n}", text(n)))


def guards(name, head, condition):
    lines = lambda n: "".join(f'    guard "g{i}": {condition}\n' for i in range(n))
    return sized(lambda n: book(f"{name}{n}", head + '  step "s" readonly timeout 10m {\n' + lines(n) + "  }\n"))


def all_at_once(name, each):
    return book(name, '  step "s" readonly timeout 5m {\n    parallel {\n' + f"      {each}\n" * MANY + "    }\n  }\n")


def main():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    least = limits()
    just, nu, bash, make = have("just"), have("nu"), have("bash"), have("make")
    hurl, psql, pgbench, cli = have("hurl"), have("psql"), have("pgbench"), have("redis-cli")
    web, cache, db = nginx(), redis(), database()
    loops = lambda *words: least and sized(lambda n: [least, words[0], str(n), *map(str, words[1:])])
    one = lambda path, command: path and [command]
    both = lambda path, command: path and sized(command)
    true = ["/bin/true"]
    print("| | rbk | beside peers | beside the least |\n|---|---|---|---|")

    direct = shell_books("direct", "", "$ /bin/true")
    recipes = sized(lambda n: put(f"justfile{n}", "all:\n" + "    @/bin/true\n" * n))
    makefile = put("Makefile", "all:\n\t@/bin/true\n")
    row("whole process, one step", run(direct[:1]),
        {"make": one(make, [make, "-s", "-f", makefile]), "just": one(just, [just, "-f", recipes[0]])},
        ("/bin/true", [true]))
    for option in ("--version", "--help"):
        row(f"`{option}`", [[RBK, option]], {f"just {option}": one(just, [just, option])}, ("/bin/true", [true]))

    scripts = sized(lambda n: put(f"{n}.sh", "set -e\n" + "/bin/true\n" * n))
    nus = sized(lambda n: put(f"{n}.nu", "^/bin/true\n" * n))
    with_just = just and [[just, "-f", file] for file in recipes]
    row("one more command, direct", run(direct),
        {"nu": nu and [[nu, "-n", f] for f in nus], "bash": bash and [[bash, f] for f in scripts]},
        ("posix_spawn", loops("spawn", "/bin/true")))
    row('one more command, `shell "sh"`', run(shell_books("sh", '  shell "sh"\n', "$ /bin/true; :")), {"just": with_just},
        ("sh -c", loops("spawn", "sh", "-eu", "-c", "/bin/true; :")))
    row("one more command, bash", run(shell_books("bash", "", "$ /bin/true; :")), {"just": with_just},
        ("bash -c", loops("spawn", "bash", "--norc", "-euo", "pipefail", "-c", "/bin/true; :")))

    if web:
        gets = guards("get", f'  connect site = http("http://127.0.0.1:{web}", timeout: 5s)\n', 'site.get("/")')
        asked = sized(lambda n: put(f"{n}.hurl", f"GET http://127.0.0.1:{web}/\nHTTP 200\n\n" * n))
        row("one more GET with a status check", run(gets), {"hurl": hurl and [[hurl, "--no-output", f] for f in asked]},
            ("a loop in C", loops("http", web)))
    if db:
        head = f'  connect db = postgres("postgres://postgres@127.0.0.1:{db}/postgres")\n'
        to = ["-h", "127.0.0.1", "-p", str(db), "-U", "postgres"]
        queries = sized(lambda n: put(f"{n}.sql", "select 1;\n" * n))
        query = put("query.sql", "select 1;\n")
        prepared = lambda n: [pgbench, "-n", *to, "-c1", "-t", str(n), "-M", "prepared", "-f", query, "postgres"]
        row("one more `select 1`", run(guards("select", head, 'db.value("select 1") == 1')),
            {"psql": psql and [[psql, *to, "-X", "-q", "-At", "-f", f] for f in queries]},
            ("pgbench -M prepared", both(pgbench, prepared)))
    if cache:
        head = f'  connect cache = redis("redis://127.0.0.1:{cache}")\n'
        pings = sized(lambda n: put(f"{n}.txt", "PING\n" * n))
        row("one more PING", run(guards("ping", head, "cache.ping()")),
            {"redis-cli": cli and [[cli, "-p", str(cache), f"<{f}"] for f in pings]}, ("a loop in C", loops("redis", cache)))

    fan = put("fan.just", "[parallel]\nall: " + " ".join(f"s{i}" for i in range(MANY)) + "\n"
              + "".join(f"s{i}:\n    @sleep 1\n" for i in range(MANY)))
    together = put("fan.sh", f"for i in $(seq {MANY}); do sleep 1 & done; wait\n")
    row("1,000 × `$ sleep 1` at once", run([all_at_once("fan", "$ sleep 1")]),
        {"just": one(just, [just, "-f", fan]), "bash": one(bash, [bash, together])},
        ("posix_spawn", least and [[least, "fan", str(MANY), "sleep", "1"]]), memory=True)
    row("1,000 × `wait 1s` at once", run([all_at_once("wait", "wait 1s")]), {}, None, memory=True)

    journal = ("--journal", os.path.join(work, "journal"))
    row("whole process with a journal", run(direct[:1], *journal), {"just": one(just, [just, "-f", recipes[0]])},
        ("/bin/true", [true]))
    row("one more command with a journal", run(direct, *journal), {"just": with_just},
        ("posix_spawn", loops("spawn", "/bin/true")))
    if skipped:
        print("skipped, not installed: " + ", ".join(sorted(set(skipped))))


try:
    main()
finally:
    for server in servers:
        server.send_signal(signal.SIGINT)
    for server in servers:
        server.wait()
    shutil.rmtree(work, ignore_errors=True)
