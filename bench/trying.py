# SPDX-License-Identifier: BSD-2-Clause
"""trying.py: calls of grubench and what is expected of them, for the test_*.py beside it, whose arguments these are."""
import json
import subprocess
import sys

GRUBENCH, OLD, SLOWED = sys.argv[1:4]
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
