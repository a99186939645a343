# SPDX-License-Identifier: BSD-2-Clause
"""Makes onednn.json: oneDNN's lbr_gru and vanilla_gru in plain formats, by make_onednn.cpp and Debian's libdnnl-dev."""

import os
import subprocess
import tempfile

import numpy as np
from vectors import draw, write

GENERATOR = np.random.default_rng(20240505)
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "make_onednn.cpp")


def case(program, name, inputs, hidden, steps, rows, *, after=True, direction="forward"):
    """One layer with random weights; it always has an initial state and a bias."""
    small = min(1.0, 2.0 / np.sqrt(hidden))
    arrays = {
        "weights_layer": draw(GENERATOR, inputs, 3, hidden, scale=small),
        "weights_iter": draw(GENERATOR, hidden, 3, hidden, scale=small),
        "bias": draw(GENERATOR, 4 if after else 3, hidden, scale=0.5),
    }
    x = draw(GENERATOR, steps, rows, inputs, scale=1.5)
    start = draw(GENERATOR, 1, rows, hidden)
    given = b"".join(a.tobytes() for a in (x, start, *arrays.values()))
    command = [program, "lbr" if after else "vanilla", direction, *map(str, (inputs, hidden, steps, rows))]
    out = np.frombuffer(subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout, np.float32)
    split = steps * rows * hidden
    return {
        "name": name,
        "dialect": "onednn",
        "desc": {"input": inputs, "hidden": hidden, "reset": "after" if after else "before",
                 "bias": "four" if after else "one", "direction": direction},
        "steps": steps,
        "rows": rows,
        "arrays": arrays,
        "x": {"axes": "TBI", "data": x},
        "h0": {"axes": "DBH", "data": start},
        "y": {"axes": "TBDH", "data": out[:split].reshape(steps, rows, 1, hidden)},
        "h": {"axes": "DBH", "data": out[split:].reshape(1, rows, hidden)},
    }


with tempfile.TemporaryDirectory() as folder:
    binary = os.path.join(folder, "make_onednn")
    subprocess.run(["c++", "-std=c++17", "-O2", SOURCE, "-o", binary, "-ldnnl"], check=True)
    versions = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "libdnnl-dev"], stdout=subprocess.PIPE, check=True)
    write("onednn", f"make_onednn.py, oneDNN {versions.stdout.decode().split('-', maxsplit=1)[0]}", [
        case(binary, "lbr_gru", 3, 5, 5, 2),
        case(binary, "vanilla_gru", 3, 5, 5, 2, after=False),
        case(binary, "lbr_gru, reverse", 5, 7, 4, 3, direction="reverse"),
        case(binary, "vanilla_gru, reverse, 17 units", 4, 17, 4, 2, after=False, direction="reverse"),
    ])
