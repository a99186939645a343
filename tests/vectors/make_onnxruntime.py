# SPDX-License-Identifier: BSD-2-Clause
"""Makes onnxruntime.json: the ONNX GRU operator as ONNX Runtime computes it."""

import numpy as np
import onnx
import onnxruntime
from vectors import draw, write

GENERATOR = np.random.default_rng(20240502)
FLOAT, INT32 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT32
DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


def run(attributes, inputs):
    """Runs a graph of one GRU node; inputs that are None are left out, as ONNX does it."""
    names = ["X", "W", "R", "B", "sequence_lens", "initial_h"]
    node = onnx.helper.make_node(
        "GRU", [name if inputs.get(name) is not None else "" for name in names], ["Y", "Y_h"], **attributes)
    graph = onnx.helper.make_graph(
        [node], "gru",
        [onnx.helper.make_tensor_value_info(name, INT32 if name == "sequence_lens" else FLOAT, inputs[name].shape)
         for name in names if inputs.get(name) is not None],
        [onnx.helper.make_tensor_value_info(name, FLOAT, None) for name in ("Y", "Y_h")])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(["Y", "Y_h"], {name: value for name, value in inputs.items() if value is not None})


def case(name, inputs, hidden, steps, rows, *, after=False, direction="forward", bias=True, h0=False, lengths=None,
         clip=0.0, hard=None, scale=1.0):
    """One node with random weights, those of x enlarged by `scale`; `hard` is alpha and beta of HardSigmoid."""
    count = DIRECTIONS[direction]
    small = min(1.0, 2.0 / np.sqrt(hidden))
    arrays = {
        "W": draw(GENERATOR, count, 3 * hidden, inputs, scale=scale * small),
        "R": draw(GENERATOR, count, 3 * hidden, hidden, scale=small),
    }
    if bias:
        arrays["B"] = draw(GENERATOR, count, 6 * hidden, scale=0.5)
    x = draw(GENERATOR, steps, rows, inputs, scale=1.5)
    start = draw(GENERATOR, count, rows, hidden) if h0 else None
    attributes = {"hidden_size": hidden, "direction": direction, "linear_before_reset": int(after)}
    desc = {"input": inputs, "hidden": hidden, "reset": "after" if after else "before",
            "bias": "six" if bias else "none", "direction": direction}
    if clip:
        attributes["clip"] = desc["clip"] = clip
    if hard:
        attributes["activations"] = ["HardSigmoid", "Tanh"] * count
        attributes["activation_alpha"] = [hard[0]] * count
        attributes["activation_beta"] = [hard[1]] * count
        desc.update(gates="hard_sigmoid", hard_alpha=hard[0], hard_beta=hard[1])
    given = {"X": x, "sequence_lens": np.array(lengths, np.int32) if lengths else None, "initial_h": start, **arrays}
    y, h = run(attributes, given)
    result = {"name": name, "dialect": "onnx", "desc": desc, "steps": steps, "rows": rows, "arrays": arrays,
              "x": {"axes": "TBI", "data": x}}
    if h0:
        result["h0"] = {"axes": "DBH", "data": start}
    if lengths:
        result["lengths"] = lengths
    result["y"] = {"axes": "TDBH", "data": y}
    result["h"] = {"axes": "DBH", "data": h}
    return result


write("onnxruntime", f"make_onnxruntime.py, ONNX Runtime {onnxruntime.__version__}", [
    case("reset before", 3, 5, 6, 2, h0=True),
    case("reset after", 3, 5, 6, 2, after=True, h0=True),
    case("no bias, one unit", 2, 1, 5, 3, bias=False),
    case("lengths", 4, 7, 6, 4, lengths=[2, 6, 1, 4], h0=True),
    case("reverse, reset after, lengths", 4, 7, 6, 4, after=True, direction="reverse", lengths=[6, 1, 3, 2]),
    case("reverse", 5, 3, 4, 2, direction="reverse", h0=True),
    case("bidirectional, lengths", 3, 17, 5, 3, direction="bidirectional", lengths=[5, 2, 4], h0=True),
    case("bidirectional, reset after, no bias", 7, 5, 4, 2, after=True, direction="bidirectional", bias=False),
    case("clip", 4, 7, 5, 3, clip=0.25, scale=2.0),
    case("clip, reset after", 4, 7, 5, 3, clip=0.25, after=True, scale=2.0),
    case("hard sigmoid", 4, 7, 4, 2, hard=(0.2, 0.5), scale=3.0),
    case("hard sigmoid of another slope, reset after", 4, 7, 4, 2, hard=(0.5, 0.25), after=True, scale=2.0),
    case("33 units", 3, 33, 3, 2, h0=True),
])
