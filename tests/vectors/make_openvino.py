# SPDX-License-Identifier: BSD-2-Clause
"""Makes openvino.json: OpenVINO's GRUSequence, whose bias has four parts if it is linear before the reset."""

import numpy as np
import openvino
from openvino import opset5
from vectors import draw, write

GENERATOR = np.random.default_rng(20240504)
DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


def case(name, inputs, hidden, steps, rows, *, after=True, direction="forward", lengths=None, clip=None):
    """One GRUSequence with random weights. It always has an initial state, lengths and a bias."""
    count = DIRECTIONS[direction]
    small = min(1.0, 2.0 / np.sqrt(hidden))
    arrays = {
        "W": draw(GENERATOR, count, 3 * hidden, inputs, scale=small),
        "R": draw(GENERATOR, count, 3 * hidden, hidden, scale=small),
        "B": draw(GENERATOR, count, (4 if after else 3) * hidden, scale=0.5),
    }
    x = draw(GENERATOR, rows, steps, inputs, scale=1.5)
    start = draw(GENERATOR, rows, count, hidden)
    given = [opset5.parameter(a.shape, np.float32) for a in (x, start)]
    extra = {"clip": clip} if clip else {}
    node = opset5.gru_sequence(
        given[0], given[1], opset5.constant(np.array(lengths or [steps] * rows, np.int32)),
        *(opset5.constant(arrays[key]) for key in "WRB"), hidden, direction, linear_before_reset=after, **extra)
    model = openvino.Model([node.output(0), node.output(1)], given)
    compiled = openvino.Core().compile_model(
        model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    y, h = compiled([x, start]).values()
    desc = {"input": inputs, "hidden": hidden, "reset": "after" if after else "before",
            "bias": "four" if after else "one", "direction": direction}
    if clip:
        desc["clip"] = clip
    result = {"name": name, "dialect": "openvino", "desc": desc, "steps": steps, "rows": rows, "arrays": arrays,
              "x": {"axes": "BTI", "data": x}, "h0": {"axes": "BDH", "data": start}}
    if lengths:
        result["lengths"] = lengths
    result["y"] = {"axes": "BDTH", "data": y}
    result["h"] = {"axes": "BDH", "data": h}
    return result


write("openvino", f"make_openvino.py, OpenVINO {openvino.__version__.split('-', maxsplit=1)[0]}", [
    case("linear before reset, four biases", 3, 5, 5, 2),
    case("reset before, one bias", 3, 5, 5, 2, after=False),
    case("bidirectional, lengths, four biases", 4, 7, 5, 3, direction="bidirectional", lengths=[5, 2, 3]),
    case("reverse, one bias", 5, 3, 4, 2, after=False, direction="reverse"),
    case("bidirectional, one bias", 2, 17, 3, 2, after=False, direction="bidirectional"),
])
