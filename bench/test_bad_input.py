# SPDX-License-Identifier: BSD-2-Clause
"""test_bad_input.py: the part of test_commands.py in which every call is a mistake, or meets a disk or a folder that
takes nothing: one line and exit 2, before anything is measured, and no file half-written or replaced."""
import copy
import glob
import json
import os
import shutil
import signal
import subprocess

from trying import GRUBENCH, OLD, check, counts, refuses, run, write


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
