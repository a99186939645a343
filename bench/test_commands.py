# SPDX-License-Identifier: BSD-2-Clause
"""test_commands.py GRUBENCH SLOWED-0.so SLOWED-5.so: what grubench says and writes, apart from how fast anything is.

Bad input gives one line and exit 2 and leaves no file; tables made from committed times are those expected; the JSON is
what Google Benchmark's own compare.py reads, where that is installed.
"""
import copy
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

GRUBENCH, OLD, SLOWED = sys.argv[1:4]
COMPARE = "/usr/share/benchmark/compare.py"
counts = {"passed": 0, "failed": 0, "skipped": 0}


def check(condition, what):
    counts["passed" if condition else "failed"] += 1
    if not condition:
        print("FAILED:", what)


def run(*arguments, **options):
    return subprocess.run([GRUBENCH, *arguments], capture_output=True, text=True, **options)


def refuses(word, *arguments):
    result = run(*arguments)
    lines = result.stderr.strip().splitlines()
    check(result.returncode == 2 and len(lines) == 1 and word in lines[0] and not result.stdout,
          f"{' '.join(arguments)}: {result.returncode} {result.stderr!r}")


def write(path, value):
    with open(path, "w", encoding="utf-8") as file:
        file.write(value if isinstance(value, str) else json.dumps(value))
    return path


def bad_input(folder):
    refuses("unknown command", "sped")
    refuses("unknown option --fast", "speed", "--fast")
    refuses("needs a value", "speed", "--hidden")
    refuses("out of range", "speed", "--hidden", "0")
    refuses("out of range", "speed", "--hidden", "99999999999999999999")
    refuses("not a whole number", "speed", "--hidden", "-3")
    refuses("not a whole number", "speed", "--hidden", "8,x")
    refuses("unknown, there are: after", "speed", "--reset", "behind")
    refuses("mmx", "speed", "--backend", "mmx")
    refuses("too many", "limits", "now")
    refuses("argument is missing", "compare", "one.json")
    refuses("is missing")
    refuses("can't read", "compare", folder + "/none.json", folder + "/none.json")
    refuses("is there twice", "speed", "--hidden", "8,16,8")
    refuses("is there twice", "cost", "--sizes", "8x8,8x8")
    refuses("a number is missing", "speed", "--hidden", "8,")
    refuses("not a number", "speed", "--min-time", " 1")
    refuses("not a number", "speed", "--min-time", "nan")
    refuses("takes no value", "speed", "--quick=yes")
    refuses("unknown option --", "speed", "--")
    refuses("are free", "speed", "--path", "batch", "--hidden", "16384", "--batch", "65536", "--steps", "100000")
    refuses("are free", "cost", "--sizes", "16384x16384", "--batch", "65536", "--threads", "2")
    refuses("can't write", "cost", "--html", folder + "/none/page.html")
    refuses("can't write", "speed", "--quick", "--json", folder + "/none/speed.json")
    refuses("size '12'", "cost", "--sizes", "12")
    refuses("size '8x8++8'", "cost", "--sizes", "8x8++8")
    refuses("size ' 8x8'", "cost", "--sizes", " 8x8")
    refuses("at most 8 layers", "cost", "--sizes", "8x8x9")
    refuses("line 2", "compare", write(folder + "/broken.json", '{"context":\n'), folder + "/broken.json")
    refuses("not a file of `grubench speed", "compare", write(folder + "/other.json", {"context": {}}),
            folder + "/other.json")
    refuses("limits", "cost", "--predict", write(folder + "/limits.json", {"grubench": "cost"}))
    refuses("not JSON", "track", write(folder + "/history", "{\n"))
    refuses("zero byte", "track", write(folder + "/zero.jsonl", "{}\0\n"))
    refuses("zero byte", "compare", "/dev/zero", "/dev/zero")
    refuses("it is empty", "compare", "/dev/null", "/dev/null")
    refuses("is no file", "track", "/dev/zero")
    refuses("is no file", "track", folder)
    refuses("can't be loaded", "ab", write(folder + "/text.so", "no library"), OLD)
    libc = glob.glob("/lib/*/libm.so.6")
    if libc:
        refuses("isn't libgru", "ab", OLD, libc[0])
    with open(OLD, "rb") as file:
        library = file.read()
    with open(folder + "/abi.so", "wb") as file:
        file.write(library.replace(b"libgru.so.0\0", b"libgru.so.9\0"))
    refuses("another ABI", "ab", OLD, folder + "/abi.so")
    refuses("can't write", "limits", "--json", folder + "/none/limits.json")
    refuses("can't write", "track", folder + "/history", "--html", folder + "/none/page.html")
    refuses("another version", "cost", "--predict",
            write(folder + "/limits1.json", {"grubench": "limits", "format": 1, "threads": 1, "quiet_level": 1,
                                             "machine": {key: 1 if key.endswith(("bytes", "cpus")) else "" for key in (
                                                 "cpu features hypervisor governor huge_pages kernel compiler cpus "
                                                 "l1d_bytes l2_bytes l3_bytes").split()}}))
    refuses("not a file of `grubench speed", "cost", "--cells", folder + "/limits1.json")
    refuses("is a folder", "ab", folder, folder)
    refuses("can't write", "ab", OLD, OLD, "--json", folder + "/none/ab.json")
    refuses("--runs needs", "speed", "--runs", "2")
    outputs(folder)
    check(not [name for name in os.listdir(folder) if name.endswith(".part")], "no half-written file is left")


def outputs(folder):
    """What can't be written is said before anything is measured, and devices, links and read-only files stay."""
    small = ("speed", "--path", "update", "--hidden", "8", "--max-time", "0.2", "--min-time", "0.002", "--repetitions",
             "3", "--quick")
    refuses("Is a directory", *small, "--json", folder)
    refuses("is empty", *small, "--json", "")
    refuses("two outputs", "cost", "--csv", folder + "/one", "--json", folder + "/one")
    refuses("two outputs", "cost", "--csv", "-", "--html", "-")
    refuses("is the history", "track", folder + "/history", "--html", folder + "/history")
    with open("/dev/full", "w", encoding="utf-8") as full:
        for arguments in (("--help",), ("cost", "--help"), ("activations", "--max-time", "0.1", "--count", "16")):
            result = subprocess.run([GRUBENCH, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
            check(result.returncode == 2 and result.stderr.count("\n") == 1 and "standard output" in result.stderr,
                  f"{' '.join(arguments)} on a full disk: {result.returncode} {result.stderr!r}")
    limits_file = folder + "/here.json"
    check(run("limits", "--quick", "--backend", "scalar", "--json", limits_file).returncode == 0, "limits for a file")
    small += ("--backend", "scalar", "--limits", limits_file)
    result = run(*small, "--json", "/dev/full")
    check(result.returncode == 2 and "/dev/full: No space" in result.stderr and not os.path.isfile("/dev/full"),
          "a device is written to, not replaced: " + result.stderr)
    link = folder + "/link.json"
    os.symlink(write(folder + "/target.json", "{}"), link)
    check(run(*small, "--json", link).returncode == 0 and os.path.islink(link)
          and os.path.getsize(folder + "/target.json") > 1000, "a link stays, and what it leads to is written")
    with open(limits_file, encoding="utf-8") as file:
        here = json.load(file)
    foreign_limits(folder, here)
    if "avx2" in run("speed", "--backend", "none").stderr:
        refuses("no limits of the back end avx2", *("avx2" if word == "scalar" else word for word in small))
    unprivileged(folder, small)
    history = folder + "/kept.jsonl"
    kept = '{"commit": "c", "date": "d", "machine": "m", "cells": {}}\nbroken\n'
    refuses("not JSON", "track", write(history, kept), folder + "/target.json")
    with open(history, encoding="utf-8") as file:
        check(file.read() == kept, "a history that can't be read isn't added to")
    with open(write(history, kept.split("\n")[0]), encoding="utf-8") as file:
        check(run("track", history, folder + "/target.json").returncode == 0 and len(file.readlines()) == 2,
              "a history whose last line an editor left open gets a line of its own")
    limited = ["prlimit", "--fsize=" + str(os.path.getsize(history) + 100)]
    if shutil.which(limited[0]):
        before = os.path.getsize(history)
        result = subprocess.run([*limited, GRUBENCH, "track", history, folder + "/target.json"], capture_output=True,
                                text=True, preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        check(result.returncode == 2 and os.path.getsize(history) == before, "a line that doesn't fit is taken back")


def foreign_limits(folder, here):
    """Limits of other machines, versions and minds: for each way, the word that the message has."""
    def changed(change):
        made = copy.deepcopy(here)
        change(made)
        return write(folder + "/changed.json", made)

    first = here["backends"][0]["name"]
    for word, change in (
            ("another machine", lambda made: made["machine"].update(cpu="Another CPU")),
            ("is missing", lambda made: made.pop("threads")),
            ("is missing", lambda made: made["backends"][0]["read"][0].pop("bytes")),
            ("not an object", lambda made: made.update(machine=[])),
            ("not an array", lambda made: made.update(backends={})),
            ("not a text", lambda made: made["machine"].update(cpu=1)),
            ("not a whole number", lambda made: made["backends"][0].update(lanes=0.5)),
            ("can't be", lambda made: made["backends"][0].update(lanes=0)),
            ("can't be", lambda made: made["backends"][0].update(fma_gflops_one=0)),
            ("can't be", lambda made: made["backends"][0].update(division_ns=1e-300)),
            ("no back end", lambda made: made.update(backends=[])),
            ("no working sets", lambda made: made["backends"][0].update(read=[])),
            ("don't grow", lambda made: made["backends"][0]["read"].reverse()),
            ("more than", lambda made: made.update(backends=made["backends"] * 5)),
            ("more than", lambda made: made["backends"][0].update(steps=made["backends"][0]["steps"] * 40))):
        refuses(word, "speed", "--quick", "--path", "update", "--backend", first, "--limits", changed(change))
    refuses("single rows", "cost", "--sizes", "8x8", "--max-time", "0.2", "--backend", first, "--predict",
            changed(lambda made: made["backends"][0].update(steps=[])))


def unprivileged(folder, small):
    """As nobody, in a folder and over a file that aren't nobody's."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        counts["skipped"] += 1
        print("skipped: only root can become nobody")
        return
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    os.chmod(folder, 0o755)
    for where in (folder + "/new.json", folder + "/target.json", "/proc/1/environ"):
        result = subprocess.run([*nobody, GRUBENCH, *small, "--json", where], capture_output=True, text=True)
        check(result.returncode == 2 and result.stderr.count("\n") == 1 and "Permission denied" in result.stderr
              and not result.stdout, f"nobody at {where}: {result.returncode} {result.stderr!r}")
    result = subprocess.run([*nobody, GRUBENCH, "track", folder + "/target.json", folder + "/target.json"],
                            capture_output=True, text=True)
    check(result.returncode == 2, "nobody adds to no history")
    check(not os.path.exists(folder + "/new.json"), "nobody leaves nothing")


def measured(folder):
    path = folder + "/speed.json"
    result = run("speed", "--quick", "--path", "streaming,update", "--hidden", "8,16", "--min-time", "0.002",
                 "--max-time", "0.5", "--repetitions", "3", "--json", path)
    check(result.returncode == 0 and "streaming" in result.stdout, "speed runs: " + result.stderr)
    with open(path, encoding="utf-8") as file:
        speed = json.load(file)
    entries = [b for b in speed["benchmarks"] if b["run_type"] == "iteration"]
    fields = ("name run_name repetitions repetition_index threads iterations real_time cpu_time time_unit ns_per_step "
              "gflops weight_gbytes limit_ns limit_share path hidden input batch steps reset backend weights "
              "tier").split()
    check(len(entries) >= 9 and all(field in entry for field in fields for entry in entries),
          "each entry has its fields")
    check({b["aggregate_name"] for b in speed["benchmarks"] if b["run_type"] == "aggregate"}
          == {"mean", "median", "stddev", "cv"}, "the aggregates")
    return speed


def arrays():
    """The limit of array functions, computed once more from the limits in the same file."""
    result = run("speed", "--quick", "--path", "kernels", "--hidden", "1024", "--tier", "fast,sleef", "--min-time",
                 "0.002", "--max-time", "0.5", "--repetitions", "3", "--json", "-")
    check(result.returncode == 0, "the kernels run: " + result.stderr)
    speed = json.loads(result.stdout)
    best = speed["context"]["limits"]["backends"][0]
    cells = {(b["path"], b["tier"]): b for b in speed["benchmarks"] if b.get("aggregate_name") == "median"}
    wanted = ("gemm fast", "gemv fast", "sigmoid fast", "sigmoid sleef", "tanh fast", "tanh sleef", "update fast")
    check(sorted(cells) == [tuple(text.split()) for text in wanted],
          f"what has no activation is measured once: {sorted(cells)}")
    peak = best["fma_gflops_one"]
    for path, least in (("sigmoid", max(20 / peak, best["division_ns"])), ("tanh", 14 / peak), ("update", 4 / peak)):
        cell = cells[path, "fast"]
        work = cell["limit_ns"] / (1024 * least)
        check(work > 0.999, f"{path}: {cell['limit_ns']} ns is below its own arithmetic")
        word = "FMA" if path == "update" else "activations"
        check((cell["binds"] == word) == (work < 1.001), f"{path}: {cell['binds']} doesn't bind it")
    check(cells["tanh", "sleef"]["binds"] in ("L1", "L2"), "of SLEEF's own only the bytes are known")


def limits():
    result = run("limits", "--quick", "--backend", "scalar", "--json", "-")
    check(result.returncode == 0, "limits runs: " + result.stderr)
    made = json.loads(result.stdout)
    check([b["name"] for b in made["backends"]] == ["scalar"], "only the back end that was asked for")
    check(made["threads"] == 1 or made["barrier_ns"] > 0, "the barrier is measured")
    scalar = made["backends"][0]
    check(all(scalar[key] > 0 for key in ("fma_gflops_one", "fma_latency_ns", "division_ns")) and scalar["read"]
          and scalar["steps"], "and what one thread can do")


def google(folder, speed):
    if not os.path.exists(COMPARE):
        counts["skipped"] += 1
        print("skipped: Google Benchmark's compare.py isn't installed")
        return
    path = write(folder + "/google.json", speed)
    # Debian's Python, since compare.py is Debian's, and so are the modules that it needs.
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    result = subprocess.run([python, COMPARE, "--no-color", "benchmarks", path, path], capture_output=True,
                            text=True)
    if "No module named" in result.stderr:
        counts["skipped"] += 1
        print("skipped: compare.py lacks a module of its own")
        return
    check(result.returncode == 0 and "streaming/hidden:8" in result.stdout,
          "compare.py reads the file: " + result.stderr)


def series(speed, factor, runs):
    """A file of so many process runs, whose times are made up: 1000 ns, spread by 1 %, times `factor` for H = 16."""
    made = copy.deepcopy(speed)
    by_name = {b["name"]: b for b in made["benchmarks"] if b["run_type"] == "iteration"}
    made["benchmarks"] = []
    for name, entry in by_name.items():
        for index in range(runs):
            ns = 1000.0 * (1.0 + 0.001 * ((index * 7) % 10)) * (factor if entry["hidden"] == 16 else 1.0)
            made["benchmarks"].append(dict(entry, run=index, repetition_index=index, ns_per_step=ns, real_time=ns))
    return made


def golden(folder, speed):
    old = write(folder + "/old.json", series(speed, 1.0, 12))
    slow = write(folder + "/slow.json", series(speed, 1.1, 12))
    few = write(folder + "/few.json", series(speed, 1.1, 9))
    foreign = series(speed, 1.0, 12)
    foreign["context"]["machine"]["cpu"] = "Another CPU"
    result = run("compare", old, slow)
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    check(result.returncode == 1 and any(r.startswith("streaming H=16 1004 1105 1.100") and r.endswith("SLOWER")
                                         for r in rows),
          "compare finds what is slower:\n" + result.stdout)
    check(any(r.startswith("streaming H=8 1004 1004 1.000") and r.endswith("no change seen") for r in rows),
          "compare leaves the others alone")
    check(run("compare", old, old).returncode == 0, "a file against itself")
    check(run("compare", slow, old).returncode == 0, "faster is no regression")
    check(run("compare", old, slow, "--threshold", "20").returncode == 0, "the threshold")
    result = run("compare", old, few)
    check(result.returncode == 0 and "nothing can be told" in result.stdout, "nine runs are too few")
    result = run("compare", old, write(folder + "/foreign.json", foreign))
    check("different machines" in result.stdout, "machines differ")
    history = folder + "/runs.jsonl"
    for index in range(10):
        factor = 1.0 if index < 5 else 1.2
        result = run("track", history, write(folder + "/one.json", series(speed, factor, 1)), "--commit", f"c{index}")
    check(result.returncode == 0 and "between c4 and c5" in result.stdout, "track finds the step:\n" + result.stdout)
    check(run("track", history, "--html", folder + "/track.html").returncode == 0, "track draws")
    with open(folder + "/track.html", encoding="utf-8") as file:
        page = file.read()
    check("with c5, 20" in page, "the page begins with the step")
    check(page.count("<svg") == page.count("</svg>") == 2 and "with c5</text>" in page and "nan" not in page
          and "<script" not in page and "http" not in page, "the page has a plot a family, and the step")


def costs(folder):
    names = {ext: f"{folder}/cost.{ext}" for ext in ("csv", "json", "html")}
    result = run("cost", "--quick", "--sizes", "keyword,1x64+32,8x8x2", "--max-time", "1", "--price", "0.05",
                 "--threads", "1,2", *(word for ext, name in names.items() for word in ("--" + ext, name)))
    check(result.returncode == 0, "cost runs: " + result.stderr)
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    check(any(r.startswith("40x128 keyword 1 1 65280 252 KiB 64512") for r in rows), "parameters, bytes, multiply-adds")
    check(any(r.startswith("1x64+32 1 1 22272 84.8 KiB 21696") for r in rows), "those of a stack")
    with open(names["html"], encoding="utf-8") as file:
        page = file.read()
    check(page.count("<svg") == 3 and page.count("</svg>") == 3 and "<script" not in page and "http" not in page,
          "the page has three plots and nothing from elsewhere")
    check("NaN" not in page and "nan" not in page and "inf" not in page, "no plot has a number that isn't one")


def activations():
    """The errors are of fixed inputs, so they are the same on every machine; times aren't looked at."""
    refuses("multiple of 16", "activations", "--count", "20")
    result = run("activations", "--max-time", "0.1", "--count", "256")
    check(result.returncode == 0, "activations runs: " + result.stderr)
    parts = result.stdout.split("\n\n")
    for title, most in (("sigmoid", 1e-7), ("tanh", 4e-7)):
        table = next((part for part in parts if part.startswith(title + " ")), "")
        rows = {line[:26].strip(): line[26:].split() for line in table.splitlines()[1:]}
        check({"libgru fast", "libgru faster", "libgru accurate", "libm, a loop", "rational 4/4, clamped"} <= set(rows),
              f"the rows of {title}:\n" + result.stdout)
        check(all(len(row) == len(rows["libgru fast"]) for row in rows.values()), f"the columns of {title}")
        check(float(rows["libgru accurate"][-1]) < float(rows["libgru fast"][-1]) < most,
              f"the errors of {title}, by tier:\n" + table)
    for title in ("update", "step, I = H = 32, B = 1 ", "step, I = H = 32, B = 16"):
        check(any(part.startswith(title) for part in parts), f"there is a table '{title}'")
    blocks = [part for part in parts if "\nthe block, tier fast" in part]
    check(len(blocks) == 1 and blocks[0].startswith("step, I = H = 32, B = 16"), "a block is told of batches alone")


def counting(folder):
    """The gate itself: the same counts pass, 2 % more than the baseline fail, another compiler's build is skipped."""
    if not shutil.which("valgrind"):
        counts["skipped"] += 1
        print("skipped: valgrind isn't installed")
        return
    baseline = folder + "/baseline.json"
    common = ("count", "--backend", "scalar", "--baseline", baseline)
    refuses("isn't there", *common)
    check(run(*common, "--update").returncode == 0, "count makes a baseline")
    refuses("no back end", "count", "--backend", "mmx", "--baseline", baseline)
    with open(baseline, encoding="utf-8") as file:
        made = json.load(file)
    name, number = next(iter(made["scalar"]["instructions"].items()))
    result = run(*common)
    check(result.returncode == 0 and result.stdout.count("ok  ") == len(made["scalar"]["instructions"]),
          "the same counts pass:\n" + result.stdout + result.stderr)
    made["scalar"]["instructions"][name] = int(number / 1.02)
    write(baseline, made)
    result = run(*common)
    check(result.returncode == 1 and result.stdout.count("FAIL") == 1, "2 % more fail:\n" + result.stdout)
    made["scalar"]["compiler"] = "another"
    write(baseline, made)
    result = run(*common)
    check(result.returncode == 0 and "FAIL" not in result.stdout, "another compiler's counts aren't compared")
    refuses("bad.json", *common[:-1], write(folder + "/bad.json", "{"))


def builds():
    """The slowed build does 5 % more by construction, so what `ab` decides is right or wrong, however noisy the machine
    is; that it can't decide in time is no failure. A few runs; README.md has a hundred."""
    result = run("ab", OLD, SLOWED, "--path", "tanh", "--hidden", "1024", "--max-time", "3", "--json", "-")
    made = json.loads(result.stdout)
    cell = made["cells"][0]
    check(len(made["cells"]) == 1 and cell["name"].startswith("tanh/"), "ab takes the cells that were asked for")
    check(cell["low"] <= cell["change"] <= cell["high"], "and writes their changes between their bounds")
    for new, wrong in ((SLOWED, ": no change\n"), (OLD, ": changed\n")):
        said = [run("ab", OLD, new).stdout for _ in range(2)]
        if all("some bounds are wider" in text for text in said):
            counts["skipped"] += 1
            print("skipped: this machine is too noisy to decide about", os.path.basename(new))
        else:
            check(sum(text.endswith(wrong) for text in said) < 2, "ab decides wrongly:\n" + "\n".join(said))


with tempfile.TemporaryDirectory() as folder_name:
    bad_input(folder_name)
    speed_file = measured(folder_name)
    limits()
    arrays()
    google(folder_name, speed_file)
    golden(folder_name, speed_file)
    costs(folder_name)
    activations()
    counting(folder_name)
    builds()
print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
sys.exit(1 if counts["failed"] else 0)
