#!/usr/bin/env python3
"""Times how long `rbk repl` and `psql` take from their start to their prompt, at a pseudo-terminal, in turns.

usage: benches/prompt.py [--runs N] [RBK]        (RBK: target/release/rbk)

psql connects to a PostgreSQL server that is started here, privately, over its socket. Printed: both medians, and the ratio.
"""
import argparse, glob, os, pty, pwd, select, signal, socket, statistics, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ask.add_argument("--runs", type=int, default=21)
ask.add_argument("rbk", nargs="?", default=os.path.join(here, "..", "target", "release", "rbk"))
ask = ask.parse_args()
found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1:]
BIN = found[0] if found else ""
work = tempfile.mkdtemp(prefix="rbk-prompt-", dir="/tmp")
os.chmod(work, 0o755)
ENV = {"PATH": os.environ["PATH"], "HOME": work, "TERM": "xterm", "LC_ALL": "C.UTF-8", "XDG_STATE_HOME": work + "/state"}


def as_server(*command):
    """PostgreSQL refuses to run as root."""
    words = [os.path.join(BIN, command[0]), *command[1:]]
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *words] if os.geteuid() == 0 else words


def to_prompt(command, prompt):
    """Seconds from the start of a command on a new terminal until the prompt stands there."""
    start = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(work)
        os.execve(command[0], command, ENV)
    seen = b""
    while prompt not in seen:
        if not select.select([terminal], [], [], 10)[0]:
            sys.exit(f"{command[0]} shows no prompt: {seen!r}")
        seen += os.read(terminal, 4096)
    took = time.perf_counter() - start
    os.write(terminal, b"\x04")
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        pass
    os.close(terminal)
    os.waitpid(pid, 0)
    return took


data = os.path.join(work, "data")
os.mkdir(data)
if os.geteuid() == 0:
    os.chown(data, pwd.getpwnam("postgres").pw_uid, -1)
subprocess.run(as_server("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--no-instructions"),
               check=True, stdout=subprocess.DEVNULL, cwd="/")
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={data}", "-p", str(port), "-c", "fsync=off"]
server = subprocess.Popen(as_server("postgres", "-D", data, *options), stderr=subprocess.DEVNULL, cwd="/")
try:
    while not os.path.exists(f"{data}/.s.PGSQL.{port}"):
        time.sleep(0.05)
    time.sleep(0.5)
    psql = [os.path.join(BIN, "psql"), "-X", "-h", data, "-p", str(port), "-U", "postgres"]
    rbk = [os.path.abspath(ask.rbk), "repl"]
    times = {"rbk repl": [], "psql": []}
    for _ in range(ask.runs):
        times["rbk repl"].append(to_prompt(rbk, b"rbk> "))
        times["psql"].append(to_prompt(psql, b"postgres=# "))
    middle = {name: statistics.median(all) for name, all in times.items()}
    for name, took in middle.items():
        print(f"{name:10} {took * 1000:7.1f} ms to the prompt, median of {ask.runs}")
    print(f"ratio      {middle['rbk repl'] / middle['psql']:7.2f}")
finally:
    server.send_signal(signal.SIGINT)
    server.wait()
    subprocess.run(["rm", "-rf", work], check=False)
