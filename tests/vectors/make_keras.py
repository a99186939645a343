# SPDX-License-Identifier: BSD-2-Clause
"""Makes keras.json: keras.layers.GRU and Bidirectional, with a mask where rows have lengths."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow
from vectors import draw, write

GENERATOR = np.random.default_rng(20240503)


def old_hard_sigmoid(value):
    """What "hard_sigmoid" meant before Keras 3."""
    return keras.ops.clip(0.2 * value + 0.5, 0.0, 1.0)


HARD = {"old": (old_hard_sigmoid, 0.2), "new": ("hard_sigmoid", 1 / 6)}


def fill(layer, arrays, end, scale):
    """Gives one GRU layer random weights and records them."""
    kernel, recurrent, *bias = layer.get_weights()
    values = {
        "kernel": draw(GENERATOR, *kernel.shape, scale=scale * min(1.0, 2.0 / np.sqrt(recurrent.shape[0]))),
        "recurrent_kernel": draw(GENERATOR, *recurrent.shape, scale=min(1.0, 2.0 / np.sqrt(recurrent.shape[0]))),
    }
    if bias:
        values["bias"] = draw(GENERATOR, *bias[0].shape, scale=0.5)
    layer.set_weights(list(values.values()))
    arrays.update({name + end: value for name, value in values.items()})


def case(name, inputs, hidden, steps, rows, *, after=True, bias=True, backwards=False, merge=None, h0=False,
         lengths=None, hard=None):
    """Runs one layer; `merge` makes it bidirectional, `hard` names the hard sigmoid."""
    gru = keras.layers.GRU(
        hidden, reset_after=after, use_bias=bias, go_backwards=backwards, return_sequences=True, return_state=True,
        recurrent_activation=HARD[hard][0] if hard else "sigmoid", zero_output_for_mask=True)
    layer = keras.layers.Bidirectional(gru, merge_mode=merge) if merge else gru
    x = draw(GENERATOR, rows, steps, inputs, scale=1.5)
    directions = 2 if merge else 1
    start = draw(GENERATOR, directions, rows, hidden) if h0 else None
    layer.build(x.shape)
    arrays = {}
    for part, end in ((layer.forward_layer, ""), (layer.backward_layer, "_reverse")) if merge else ((layer, ""),):
        fill(part, arrays, end, 3.0 if hard else 1.0)
    mask = np.arange(steps)[None, :] < np.array(lengths)[:, None] if lengths else None
    y, *h = layer(x, mask=mask, initial_state=[tensorflow.constant(s) for s in start] if h0 else None)
    desc = {"input": inputs, "hidden": hidden, "reset": "after" if after else "before",
            "bias": ("six" if after else "one") if bias else "none",
            "direction": "bidirectional" if merge else "reverse" if backwards else "forward"}
    if merge == "sum":
        desc["merge"] = "sum"
    if hard:
        desc.update(gates="hard_sigmoid", hard_alpha=HARD[hard][1], hard_beta=0.5)
    result = {"name": name, "dialect": "keras", "desc": desc, "steps": steps, "rows": rows, "arrays": arrays,
              "x": {"axes": "BTI", "data": x}}
    if backwards:
        result["reversed_output"] = True
    if h0:
        result["h0"] = {"axes": "DBH", "data": start}
    if lengths:
        result["lengths"] = lengths
    y = y.numpy()
    result["y"] = {"axes": "BTH", "data": y} if merge == "sum" else {
        "axes": "BTDH", "data": y.reshape(rows, steps, directions, hidden)}
    result["h"] = {"axes": "DBH", "data": np.stack([state.numpy() for state in h])}
    return result


write("keras", f"make_keras.py, Keras {keras.__version__} on TensorFlow {tensorflow.__version__}", [
    case("reset_after", 3, 5, 6, 2, h0=True),
    case("reset_after=False", 3, 5, 6, 2, after=False, h0=True),
    case("no bias, one unit", 1, 1, 5, 2, bias=False),
    case("reset_after=False, no bias", 5, 3, 5, 2, after=False, bias=False),
    case("mask", 4, 7, 6, 4, lengths=[6, 2, 5, 1]),
    case("reset_after=False, mask", 4, 7, 6, 3, after=False, lengths=[1, 6, 3], h0=True),
    case("go_backwards", 3, 7, 5, 2, backwards=True, h0=True),
    case("Bidirectional, concat", 3, 17, 5, 2, merge="concat"),
    case("Bidirectional, sum, reset_after=False, mask", 4, 5, 6, 3, after=False, merge="sum", lengths=[3, 6, 4]),
    case("hard_sigmoid before Keras 3, reset_after=False", 4, 7, 4, 2, after=False, hard="old"),
    case("hard_sigmoid of Keras 3", 4, 7, 4, 2, hard="new"),
    case("33 units, reset_after=False", 5, 33, 3, 2, after=False),
])
