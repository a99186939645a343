# SPDX-License-Identifier: BSD-2-Clause
"""session.py: runs libgru and its peers side by side: same weights, outputs compared first, timings interleaved.

Each implementation is a process that answers one request at a time, so only one runs at any moment; all are pinned to
the same CPUs. A round asks each, in random order, for a slice of time; slices with a quiet core before and after count.
"""
import argparse
import datetime
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile

import numpy

TOLERANCE = 2e-4  # of states in [-1, 1] after up to 100 steps in fp32: a wrong variant is off by 1e-2 and more
TIE = 0.03


class Parser(argparse.ArgumentParser):
    """One line about a mistake, as everything in bench/ has it, without the usage before it."""
    def error(self, message):
        self.exit(2, f"bench/peers/run: {message}; --help-session lists the options\n")


class Peer:
    def __init__(self, name, command, cpus, threads):
        self.name = name
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(["taskset", "-c", cpus] + command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)

    def ask(self, request):
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().strip()
        except OSError:
            answer = ""
        return answer or "no it ended"

    def end(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass  # it has ended by itself, which its cells say
        self.process.wait()


def write_cell(path, cell, threads, generator):
    h, i, b, t = cell["hidden"], cell["input"], cell["batch"], cell["steps"]
    scale = 1.0 / numpy.sqrt(h)
    parts = [generator.uniform(-scale, scale, size).astype(numpy.float32)
             for size in (3 * h * i, 3 * h * h, 3 * h, 3 * h)]
    if cell["reset"] == "before":
        parts[3][:] = 0.0  # peers have one bias a gate there
    parts.append(generator.uniform(-1, 1, t * b * i).astype(numpy.float32))
    parts.append(generator.uniform(-1, 1, b * h).astype(numpy.float32))
    with open(path, "wb") as file:
        for part in parts:
            part.tofile(file)
    return f"open {i} {h} {b} {t} {threads} {cell['reset']} {path}"


def open_and_check(peers, request, folder, cell):
    """The peers that can do the cell and agree with libgru; prints who doesn't."""
    able, wanted = [], None
    for peer in peers:
        answer = peer.ask(request)
        if answer == "ok":
            path = os.path.join(folder, "h")
            answer = peer.ask("check " + path)
        if answer != "ok":
            cell["notes"].append(f"{peer.name}: {answer}")
            continue
        state = numpy.fromfile(path, dtype=numpy.float32)
        wanted = state if wanted is None else wanted
        error = float(numpy.abs(state - wanted).max()) if state.size == wanted.size else float("nan")
        if not error <= TOLERANCE:
            cell["notes"].append(f"{peer.name}: differs from libgru by {error:.2g}")
            continue
        able.append(peer)
    return able


def measure(able, judge, rounds, slice_ns):
    """Times by peer, of quiet slices where there are three of them, and the names of those that had fewer."""
    times = {peer.name: [] for peer in able}
    quiet_times = {peer.name: [] for peer in able}
    for _ in range(rounds):
        order = able[:]
        random.shuffle(order)
        for peer in order:
            before = judge.ask("quiet") == "1"
            answer = peer.ask(f"time {slice_ns}")
            after = judge.ask("quiet") == "1"
            if answer.startswith("no"):
                continue
            ns = float(answer.split()[0])
            times[peer.name].append(ns)
            if before and after:
                quiet_times[peer.name].append(ns)
    noisy = {name for name in times if len(quiet_times[name]) < 3}
    return {name: all_times if name in noisy else quiet_times[name]
            for name, all_times in times.items() if all_times}, noisy


def entries_of(cell, threads, name, values, quiet):
    """Google Benchmark's entries, one a slice and the aggregates, with the figures and fields of `grubench speed`."""
    path = cell["path"]
    label = f"{path}/hidden:{cell['hidden']}/batch:{cell['batch']}/reset:{cell['reset']}/threads:{threads}/peer:{name}"
    weights = 3 * cell["hidden"] * (cell["input"] + cell["hidden"])
    fixed = {"run_name": label, "repetitions": len(values), "threads": threads, "time_unit": "ns", "path": path,
             "hidden": cell["hidden"], "input": cell["input"], "batch": cell["batch"], "steps": cell["steps"],
             "reset": cell["reset"], "weights": "f32", "peer": name, "quiet": quiet}

    def figures(ns):
        return {"real_time": ns, "cpu_time": ns * threads, "ns_per_step": ns, "weight_gbytes": 4 * weights / ns,
                "gflops": 2 * weights * cell["batch"] / ns}

    made = [dict(fixed, name=label, run_type="iteration", repetition_index=k, iterations=1, **figures(ns))
            for k, ns in enumerate(values)]
    for word, ns in (("mean", statistics.fmean(values)), ("median", statistics.median(values))):
        made.append(dict(fixed, name=f"{label}_{word}", run_type="aggregate", aggregate_name=word,
                         aggregate_unit="time", iterations=len(values), **figures(ns)))
    return made


def grid(options):
    cells = []
    for path in options.path.split(","):
        hidden = {"streaming": "16,32,64,128,256,512,1024,2048", "sequence": "16,32,64,128,256,512,1024",
                  "batch": "64,128,256,512"}[path] if options.hidden is None else options.hidden
        batches = [int(b) for b in options.batch.split(",")] if path == "batch" else [1]
        for h in (int(text) for text in hidden.split(",")):
            for b in batches:
                for reset in options.reset.split(","):
                    cells.append({"path": path, "hidden": h, "input": h, "batch": b, "reset": reset, "notes": [],
                                  "steps": {"streaming": 1, "sequence": 100, "batch": 50}[path]})
    return cells


def report(cell, results, names, noisy):
    median = {name: statistics.median(values) for name, values in results.items()}
    ours = median.get("libgru")
    others = {name: ns for name, ns in median.items() if name != "libgru"}
    row = f"{cell['path']:9} {cell['hidden']:5} {cell['batch']:3} {cell['reset']:6}"
    row += "".join(f" {median[name] / 1000:11.3f}" if name in median else f" {'-':>11}" for name in names)
    if ours and others:
        best = min(others, key=others.get)
        ratio = others[best] / ours
        word = "tie with" if abs(ratio - 1.0) < TIE else "ahead of" if ratio > 1.0 else "BEHIND"
        row += f"  {ratio:6.2f}  {word} {best}" + ("  (never quiet)" if noisy & {"libgru", best} else "")
    print(row, flush=True)
    for note in cell["notes"]:
        print("          " + note, flush=True)


def check(parser, options):
    """Mistakes in the call are one line and exit 2, before anything runs."""
    for name, known in (("path", ("streaming", "sequence", "batch")), ("reset", ("after", "before"))):
        for word in getattr(options, name).split(","):
            if word not in known:
                parser.exit(2, f"bench/peers/run: --{name}: '{word}' is unknown, there are: {', '.join(known)}\n")
    for name in ("hidden", "batch"):
        for word in (getattr(options, name) or "1").split(","):
            if not word.isdecimal() or not 1 <= int(word) <= 16384:
                parser.exit(2, f"bench/peers/run: --{name}: '{word}' is not a number from 1 to 16384\n")
    if options.threads < 1 or options.rounds < 1 or not options.slice > 0:
        parser.exit(2, "bench/peers/run: --threads, --rounds and --slice must be positive\n")
    folder = os.path.dirname(os.path.abspath(options.json)) if options.json else "."
    if not os.access(folder, os.W_OK):
        parser.exit(2, f"bench/peers/run: can't write {options.json}\n")


# Microseconds of a single step, reset after, in one session on an Intel Xeon (Cascade Lake, AVX-512): RTNeural with
# sizes known when it was compiled, and the best of our own peers in the same session, reset before.
RTNEURAL = {16: (0.142, "plain", "before", 0.46), 32: (0.306, "plain", "before", 1.23),
            64: (1.34, "plain", "before", 3.28), 128: (4.73, "openblas", "before", 8.7),
            512: (284.0, "openblas", "before", 273.0)}


def report_marks(medians):
    """Where RTNeural would be: it isn't packaged; its figures of another session are scaled by a peer of both."""
    rows = []
    for hidden, (theirs, peer, reset, shared) in RTNEURAL.items():
        ours = medians.get(("streaming", hidden, "after"), {}).get("libgru")
        here = medians.get(("streaming", hidden, reset), {}).get(peer)
        if ours and here:
            mark = theirs * here / shared
            rows.append(f"{hidden:5} {ours / 1000:10.3f} {mark / 1000:10.3f} {mark / ours:7.2f}  "
                        f"{theirs} us there, times {peer}, reset {reset}: {here / 1000:.3f} here, {shared} there")
    if rows:
        print("\nRTNeural by ratio (one row, one step, reset after; it was not run here)\n"
              f"{'H=I':>5} {'libgru':>10} {'RTNeural':>10} {'ratio':>7}  from")
        print("\n".join(rows))


def main():
    parser = Parser(prog="bench/peers/run", allow_abbrev=False, description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", required=True, metavar="NAME=COMMAND")
    parser.add_argument("--path", default="streaming,sequence,batch")
    parser.add_argument("--hidden")
    parser.add_argument("--batch", default="4,16,64")
    parser.add_argument("--reset", default="after,before")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--slice", type=float, default=0.02, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json")
    parser.add_argument("--check", action="store_true", help="only check the options")
    options = parser.parse_args()
    check(parser, options)
    if options.check:
        return 0
    random.seed(options.seed)
    available = sorted(os.sched_getaffinity(0))[-max(1, options.threads):]
    cpus = ",".join(str(cpu) for cpu in available)
    peers = []
    for text in options.peer:
        name, command = text.split("=", 1)
        peers.append(Peer(name, command.split(), cpus, options.threads))
    judge = peers[0]  # libgru's worker knows the probe
    names = [peer.name for peer in peers]
    print("microseconds a step; ratio: best peer to libgru, above 1 is ahead")
    print(f"{'path':9} {'H=I':>5} {'B':>3} {'reset':6}" + "".join(f" {name:>11}" for name in names) +
          "   ratio  best peer")
    entries, medians = [], {}
    generator = numpy.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        for cell in grid(options):
            request = write_cell(os.path.join(folder, "cell"), cell, options.threads, generator)
            able = open_and_check(peers, request, folder, cell)
            results, noisy = measure(able, judge, options.rounds, options.slice * 1e9)
            for peer in peers:
                peer.ask("close") if peer in able else None
            report(cell, results, names, noisy)
            if options.threads == 1:
                medians[cell["path"], cell["hidden"], cell["reset"]] = {
                    name: statistics.median(values) for name, values in results.items()}
            for name, values in results.items():
                entries += entries_of(cell, options.threads, name, values, name not in noisy)
    for peer in peers:
        peer.end()
    if "rtneural" not in names:
        report_marks(medians)
    if options.json:
        with open(options.json + ".part", "w", encoding="utf-8") as file:
            date = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
            json.dump({"context": {"date": date, "host_name": socket.gethostname(), "executable": "bench/peers/run",
                                   "num_cpus": os.cpu_count(), "library_build_type": "release"},
                       "benchmarks": entries}, file, indent=1)
        os.replace(options.json + ".part", options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
