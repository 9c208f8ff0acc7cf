#!/usr/bin/env python3
"""Times `rbk check` and `rbk fmt --check` of 1,000 runbooks and of one beside `hurlfmt --check` of as many files of about the same
size, in turns, with all processors; and how much memory a check takes for each byte of a growing file.

usage: benches/lint.py [--runs N] [RBK]        (RBK: target/release/rbk; hurlfmt from PATH or from the folders in $PEERS)

Each figure is the median of N rounds; the ratio of processor times, in brackets, is the steadier one.
"""
import argparse, os, shutil, statistics, subprocess, sys, tempfile, time

MANY = 1000
here = os.path.dirname(os.path.abspath(__file__))
ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ask.add_argument("--runs", type=int, default=7)
ask.add_argument("rbk", nargs="?", default=os.path.join(here, "..", "target", "release", "rbk"))
ask = ask.parse_args()
RBK = os.path.abspath(ask.rbk)
PATH = ":".join([p for p in os.environ.get("PEERS", "").split(":") if p] + [os.environ["PATH"]])
hurlfmt = shutil.which("hurlfmt", path=PATH)
work = tempfile.mkdtemp(prefix="rbk-lint-")
REQUEST = """# step {n}
GET http://localhost:8000/health/{file}
Accept: application/json
HTTP 200
[Asserts]
jsonpath "$.status" == "ok"
header "Content-Type" contains "json"
duration < 1000

"""


def put(name, text):
    with open(os.path.join(work, name), "w") as file:
        file.write(text)
    return name


def once(command):
    """Seconds, seconds of the processor, KiB of the largest process."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command[:3])} … ended with {child.returncode}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss


def row(what, ours, theirs):
    rounds = [[once(command) for command in (ours, theirs) if command] for _ in range(ask.runs)]
    mid = [[statistics.median(round[who][what] for round in rounds) for what in (0, 1)] for who in range(len(rounds[0]))]
    line = f"{what}: {mid[0][0] * 1000:.1f} ms"
    if theirs:
        line += f", {mid[0][0] / mid[1][0]:.2f} ({mid[0][1] / mid[1][1]:.2f}) × hurlfmt, {mid[1][0] * 1000:.1f} ms"
    print(line, flush=True)


with open(os.path.join(here, "..", "examples", "quickstart.rbk")) as file:
    book = file.read()
books = [put(f"{n}.rbk", book.replace("release a page", f"release page {n}")) for n in range(MANY)]
hurls = [put(f"{n}.hurl", "".join(REQUEST.format(n=i, file=n) for i in range(8))) for n in range(MANY)]
try:
    if not hurlfmt:
        print("hurlfmt is missing: no ratios")
    peer = lambda files: hurlfmt and [hurlfmt, "--check", *files]
    row("check of 1,000 files", [RBK, "check", *books], peer(hurls))
    row("check of one file", [RBK, "check", books[0]], peer(hurls[:1]))
    row("fmt --check of 1,000 files", [RBK, "fmt", "--check", *books], peer(hurls))
    step = '  step "{n}" timeout 1m {{\n    $ ./deploy.sh --host web-{n} --retries 3\n    rollback {{ $ ./deploy.sh --host web-{n} --undo }}\n  }}\n'
    for count in (1, 1000, 2000, 4000, 8000):
        text = 'runbook "b" {\n  owner "you"\n  reviewed 2026-11-01 every 365d\n  deadline 200h\n  rollback within 1h\n\n'
        text += "".join(step.format(n=n) for n in range(count)) + "}\n"
        name = put("large.rbk", text)
        peak = once([RBK, "check", name])[2]
        base = peak if count == 1 else base
        if count > 1:
            print(f"memory of a check of {len(text) / 1e6:.2f} MB: {(peak - base) * 1024 / len(text):.1f} × the text", flush=True)
finally:
    shutil.rmtree(work)
