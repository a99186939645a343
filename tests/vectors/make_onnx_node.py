# SPDX-License-Identifier: BSD-2-Clause
"""Makes onnx_node.json: ONNX's own tests of the GRU operator.

Four come with their data from Debian's libonnx-testdata; the two of `direction` are newer, and their data come from the
generator in the Python package onnx.
"""

import glob
import os

import onnx
from onnx.backend.test.case.node import collect_testcases
from vectors import write

DATA = "/usr/share/libonnx-testdata/data/node"
STORED = ["test_gru_defaults", "test_gru_with_initial_bias", "test_gru_seq_length", "test_gru_batchwise"]
GENERATED = ["test_gru_reverse", "test_gru_bidirectional"]


def case(name, model, inputs, outputs):
    """Turns a node and its tensors into a case. `layout` 1 puts the rows first everywhere."""
    node = model.graph.node[0]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    given = dict(zip((n for n in node.input if n), inputs))
    wanted = dict(zip((n for n in node.output if n), outputs))
    batchwise = attributes.get("layout", 0) == 1
    hidden = attributes["hidden_size"]
    x = {"axes": "BTI" if batchwise else "TBI", "data": given["X"]}
    result = {
        "name": name,
        "dialect": "onnx",
        "desc": {
            "input": given["X"].shape[2],
            "hidden": hidden,
            "reset": "after" if attributes.get("linear_before_reset", 0) else "before",
            "bias": "six" if "B" in given else "none",
            "direction": attributes.get("direction", b"forward").decode(),
        },
        "steps": given["X"].shape[x["axes"].index("T")],
        "rows": given["X"].shape[x["axes"].index("B")],
        "arrays": {key: given[key] for key in ("W", "R", "B") if key in given},
        "x": x,
    }
    if "Y" in wanted:
        result["y"] = {"axes": "BTDH" if batchwise else "TDBH", "data": wanted["Y"]}
    result["h"] = {"axes": "BDH" if batchwise else "DBH", "data": wanted["Y_h"]}
    assert set(attributes) <= {"hidden_size", "layout", "direction"} and set(given) <= {"X", "W", "R", "B"}, name
    return result


def stored(name):
    """A test of libonnx-testdata."""
    def tensors(kind):
        paths = sorted(glob.glob(os.path.join(DATA, name, "test_data_set_0", kind + "_*.pb")))
        return [onnx.numpy_helper.to_array(onnx.load_tensor(path)) for path in paths]

    return case(name, onnx.load(os.path.join(DATA, name, "model.onnx")), tensors("input"), tensors("output"))


def generated(name):
    """A test that the generator makes."""
    test = next(test for test in collect_testcases("GRU") if test.name == name)
    return case(name, test.model, *test.data_sets[0])


write("onnx_node", f"make_onnx_node.py, Debian's libonnx-testdata, and onnx {onnx.__version__} for the directions",
      [stored(name) for name in STORED] + [generated(name) for name in GENERATED])
