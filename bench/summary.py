# SPDX-License-Identifier: BSD-2-Clause
"""summary.py RESULTS: the three things a person would want to know, from what bench/run has measured."""
import json
import os
import statistics
import sys

folder = sys.argv[1]


def load(name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


limits, speed, cost = load("limits.json"), load("speed.json"), load("cost.json")
best = limits["backends"][0]
machine = limits["machine"]
reads = {name: max((max(r["one_small_pages"], r["one_huge_pages"]) for r in best["read"]
                    if low < r["bytes"] <= high), default=None)
         for name, low, high in (("L2", machine["l1d_bytes"], machine["l2_bytes"]),
                                 ("memory", 1.3 * machine["l3_bytes"], 1e18))}
bandwidth = ", ".join(f"{name} {value:.0f} GB/s" for name, value in reads.items() if value)
print(f"1. This machine: {best['name']}, {best['fma_gflops_one']:.0f} GFLOP/s a thread, {bandwidth}; "
      f"{100 * speed['context']['quiet_share']:.0f} % of the run was quiet.")

shares = {}
for entry in speed["benchmarks"]:
    large = entry["hidden"] >= 64 and entry["path"] in ("streaming", "sequence", "batch")
    if entry.get("aggregate_name") == "median" and large:
        shares.setdefault(entry["path"], []).append((entry["limit_share"], entry["hidden"], entry["batch"]))
parts = []
for path, values in shares.items():
    worst = min(values)
    where = f"H={worst[1]}" + (f" B={worst[2]}" if worst[2] > 1 else "")
    middle = statistics.median(value[0] for value in values)
    parts.append(f"{path} {100 * middle:.0f} % (least {100 * worst[0]:.0f} % at {where})")
print("2. libgru's share of the limit from H = 64 on, in the median: " + "; ".join(parts) + ".")

streaming = [row for row in cost["sizes"] if row["layers"] == 1 and row["batch"] == 1 and row["threads"] == 1]
affordable = [row for row in streaming if row["ns_per_step"] <= 1e5]  # 1 % of 10 ms
if affordable:
    largest = max(affordable, key=lambda row: row["bytes"])
    streams = 1e9 / largest["ns_per_step"] / 100
    print(f"3. One core runs {streams:.0f} streams of 100 steps a second at {largest['name'].split()[0]}, the largest "
          "measured size that takes at most 1 % of a stream's time.")
print(f"The page is {os.path.join(folder, 'cost.html')}")
