# SPDX-License-Identifier: BSD-2-Clause
"""Makes pytorch.json: torch.nn.GRU, with packed sequences where rows have lengths."""

import numpy as np
import torch
from vectors import draw, write

torch.set_num_threads(1)
GENERATOR = np.random.default_rng(20240501)


def case(name, inputs, hidden, steps, rows, *, bias=True, bidirectional=False, batch_first=False, h0=False,
         lengths=None):
    """Runs one nn.GRU and records what it was given and what it gave."""
    gru = torch.nn.GRU(inputs, hidden, bias=bias, bidirectional=bidirectional, batch_first=batch_first)
    arrays = {}
    with torch.no_grad():
        for key, parameter in gru.named_parameters():
            scale = 0.5 if key.startswith("bias") else min(1.0, 2.0 / np.sqrt(hidden))
            value = draw(GENERATOR, *parameter.shape, scale=scale)
            parameter.copy_(torch.from_numpy(value))
            arrays[key.replace("_l0", "")] = value
    directions = 2 if bidirectional else 1
    x = draw(GENERATOR, *((rows, steps) if batch_first else (steps, rows)), inputs, scale=1.5)
    start = draw(GENERATOR, directions, rows, hidden) if h0 else None
    given = torch.from_numpy(x)
    if lengths:
        given = torch.nn.utils.rnn.pack_padded_sequence(given, lengths, batch_first=batch_first, enforce_sorted=False)
    with torch.no_grad():
        y, h = gru(given, torch.from_numpy(start) if h0 else None)
    if lengths:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=batch_first, total_length=steps)
    axes = "BT" if batch_first else "TB"
    result = {
        "name": name,
        "dialect": "pytorch",
        "desc": {
            "input": inputs,
            "hidden": hidden,
            "reset": "after",
            "bias": "six" if bias else "none",
            "direction": "bidirectional" if bidirectional else "forward",
        },
        "steps": steps,
        "rows": rows,
        "arrays": arrays,
        "x": {"axes": axes + "I", "data": x},
    }
    if h0:
        result["h0"] = {"axes": "DBH", "data": start}
    if lengths:
        result["lengths"] = lengths
    result["y"] = {"axes": axes + "DH", "data": y.numpy().reshape(*y.shape[:2], directions, hidden)}
    result["h"] = {"axes": "DBH", "data": h.numpy()}
    return result


write("pytorch", f"make_pytorch.py, PyTorch {torch.__version__.split('+', maxsplit=1)[0]}", [
    case("plain", 3, 5, 6, 2),
    case("one unit, one input, no bias", 1, 1, 7, 1, bias=False),
    case("h0, batch first", 7, 3, 5, 3, h0=True, batch_first=True),
    case("lengths in any order", 5, 7, 6, 5, lengths=[3, 6, 1, 5, 2], h0=True),
    case("bidirectional", 4, 5, 5, 2, bidirectional=True, h0=True),
    case("bidirectional, lengths, batch first", 3, 17, 6, 3, bidirectional=True, lengths=[4, 6, 1], batch_first=True),
    case("33 units", 5, 33, 4, 2, h0=True),
])
