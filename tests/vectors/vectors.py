# SPDX-License-Identifier: BSD-2-Clause
"""Writes conformance vectors, each checked against a GRU in double precision that also derives its tolerance."""

import json
import os

import numpy as np

# Half an ULP of float32 at 1, the unit of every rounding below.
U = 2.0**-24

# What one evaluation of sigmoid or tanh may be wrong by, absolutely: 8 units, so that neither a framework's
# polynomial nor libgru's fast tier is what a case measures.
ACTIVATION = 8 * U


def draw(generator, *shape, scale=1.0):
    """Random float32 with three decimals: they are inputs, so they needn't fill the file with digits."""
    return np.round(generator.uniform(-scale, scale, shape), 3).astype(np.float32)


def gates(case, direction):
    """The matrices and biases of one direction by gate name, from the raw arrays as each dialect documents them."""
    a = {name: np.asarray(value, np.float64) for name, value in case["arrays"].items()}
    dialect, desc = case["dialect"], case["desc"]
    hidden = desc["hidden"]
    none = np.zeros(hidden)
    if dialect == "pytorch":
        end = "_reverse" if direction == 1 else ""
        names, w, u = "rzn", a["weight_ih" + end].reshape(3, hidden, -1), a["weight_hh" + end].reshape(3, hidden, -1)
        bias = [a.get(name + end, np.zeros(3 * hidden)) for name in ("bias_ih", "bias_hh")]
        bx, bh = (list(b.reshape(3, hidden)) for b in bias)
    elif dialect in ("keras", "onednn"):
        end = "_reverse" if direction == 1 else ""
        kernel, recurrent = ("kernel", "recurrent_kernel") if dialect == "keras" else ("weights_layer", "weights_iter")
        names = "zrn"
        w = a[kernel + end].reshape(-1, 3, hidden).transpose(1, 2, 0)
        u = a[recurrent + end].reshape(-1, 3, hidden).transpose(1, 2, 0)
        b = list(a.get("bias" + end, np.zeros(3 * hidden)).reshape(-1, hidden))
        bx, bh = b[:3], {3: [none] * 3, 4: [none, none] + b[3:], 6: b[3:]}[len(b)]
    else:  # ONNX, OpenVINO
        names, w, u = "zrn", a["W"][direction].reshape(3, hidden, -1), a["R"][direction].reshape(3, hidden, -1)
        b = list(a["B"][direction].reshape(-1, hidden)) if "B" in a else [none] * 3
        bx, bh = b[:3], {3: [none] * 3, 4: [none, none] + b[3:], 6: b[3:]}[len(b)]
    return {name: (w[i], u[i], bx[i], bh[i]) for i, name in enumerate(names)}


def dot(weight, vector, error, bias, terms):
    """A sum of products and a bound of its error: `terms` roundings of everything in it, and what `vector` brings."""
    absolute = np.abs(vector) @ np.abs(weight).T + np.abs(bias)
    return vector @ weight.T + bias, terms * U * absolute + error @ np.abs(weight).T


def add(a, b):
    """The sum of two values with bounds, rounded once."""
    value, bound = a[0] + b[0], a[1] + b[1]
    return value, bound + U * (np.abs(value) + bound)


def clipped(a, clip):
    """Clipping takes the error from a value that is certainly beyond the limit, and adds none to another."""
    value, bound = a
    return (np.clip(value, -clip, clip), np.where(np.abs(value) - bound > clip, 0, bound)) if clip else a


def sigmoid(v):
    """The logistic function."""
    return 1 / (1 + np.exp(-v))


def gate(desc, a):
    """Sigmoid or hard sigmoid. An error counts with the steepest slope that it can meet: sigmoid's falls from 0 on."""
    value, bound = clipped(a, desc.get("clip", 0))
    if desc.get("gates", "sigmoid") == "sigmoid":
        slope = sigmoid(np.maximum(np.abs(value) - bound, 0))
        return sigmoid(value), bound * slope * (1 - slope) + ACTIVATION
    alpha, beta = desc["hard_alpha"], desc["hard_beta"]
    line, error = alpha * value + beta, alpha * bound + 4 * U * (alpha * np.abs(value) + beta)
    return np.clip(line, 0, 1), np.where((line + error < 0) | (line - error > 1), 0, error)


def candidate_tanh(desc, a):
    """The candidate's tanh, whose slope falls from 0 on, too."""
    value, bound = clipped(a, desc.get("clip", 0))
    slope = 1 - np.tanh(np.maximum(np.abs(value) - bound, 0)) ** 2
    return np.tanh(value), bound * slope + ACTIVATION


def step(desc, weights, x, h, h_error):
    """One step for all rows: the new state, and a bound of the error of any float32 computation of it."""
    terms = desc["input"] + desc["hidden"] + 3
    exact = np.zeros_like(x)
    ax = {name: dot(w, x, exact, bx, terms) for name, (w, u, bx, bh) in weights.items()}
    ah = {name: dot(u, h, h_error, bh, terms) for name, (w, u, bx, bh) in weights.items()}
    z = gate(desc, add(ax["z"], ah["z"]))
    r = gate(desc, add(ax["r"], ah["r"])) if desc["reset"] != "none" else None
    if desc["reset"] == "before":
        s = r[0] * h
        s_error = r[1] * np.abs(h) + (r[0] + r[1]) * h_error + U * np.abs(s)
        candidate = dot(weights["n"][1], s, s_error, weights["n"][3], terms)
    else:
        candidate = ah["n"]
        if desc["reset"] == "after":
            value = r[0] * candidate[0]
            candidate = (value, r[1] * (np.abs(candidate[0]) + candidate[1]) + r[0] * candidate[1] + U * np.abs(value))
    n, n_error = candidate_tanh(desc, add(ax["n"], candidate))
    keep = z[0] if desc.get("update", "keep") == "keep" else 1 - z[0]
    new = keep * h + (1 - keep) * n
    blend = z[1] * (np.abs(h - n) + h_error + n_error) + keep * h_error + (1 - keep) * n_error
    return new, blend + 4 * U * (np.abs(h) + np.abs(n) + h_error + n_error)


def solve(case):
    """y as [D, T, B, H] and h as [D, B, H], and the largest error bound of either."""
    desc = case["desc"]
    x = np.asarray(case["x"]["data"], np.float64).transpose([case["x"]["axes"].index(axis) for axis in "TBI"])
    steps, rows = x.shape[:2]
    lengths = case.get("lengths", [steps] * rows)
    directions = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[desc["direction"]]
    y, h_all = np.zeros((len(directions), steps, rows, desc["hidden"])), []
    bound = 0.0
    for d, backwards in enumerate(directions):
        weights = gates(case, d)
        h = np.zeros((rows, desc["hidden"]))
        if "h0" in case:
            h = np.asarray(case["h0"]["data"], np.float64).transpose([case["h0"]["axes"].index(a) for a in "DBH"])[d]
        error = np.zeros_like(h)
        for t in reversed(range(steps)) if backwards else range(steps):
            alive = np.array([t < length for length in lengths])[:, None]
            new, new_error = step(desc, weights, x[t], h, error)
            h, error = np.where(alive, new, h), np.where(alive, new_error, error)
            place = steps - 1 - t if backwards and case.get("reversed_output") else t
            y[d, place] = np.where(alive, h, 0)
            bound = max(bound, error.max())
        h_all.append(h)
    return y, np.stack(h_all), bound


def compare(case, name, want, axes):
    """How far the framework's result is from the double one."""
    result = case[name]
    order = [axes.index(axis) for axis in result["axes"]]
    return np.abs(np.asarray(result["data"], np.float64) - want.transpose(order)).max()


def finish(case):
    """Checks a case against double precision and sets its tolerance."""
    y, h, bound = solve(case)
    distance = 0.0
    if "y" in case and case["desc"].get("merge", "concat") == "sum":
        bound = 2 * bound + 2 * U
        distance = compare(case, "y", y.sum(axis=0), "TBH")
    elif "y" in case:
        distance = compare(case, "y", y, "DTBH")
    if "h" in case:
        distance = max(distance, compare(case, "h", h, "DBH"))
    print(f"{case['name']}: {distance:.1e} from double, {bound:.1e} allowed")
    assert distance <= bound, case["name"]
    # The framework may be wrong by the bound in one direction, libgru in the other.
    case["tolerance"] = float(f"{2 * bound:.2e}")
    return case


def text(value):
    """The shortest decimal that reads back as the same float32, through a double too, as C's strtod gives it."""
    short = np.format_float_positional(value, unique=True, trim="-")
    if len(short) > 14:
        short = np.format_float_scientific(value, unique=True, trim="-", exp_digits=1)
    assert np.float32(float(short)) == value, short
    return short


def dump_array(array):
    """{"shape": ..., "data": [...]} as text, wrapped."""
    array = np.asarray(array, np.float32)
    lines, line = [], ""
    for number in map(text, array.ravel()):
        if len(line) + len(number) > 110:
            lines.append(line)
            line = ""
        line += number + ","
    return json.dumps(list(array.shape)) + ', "data": [\n' + "\n".join(lines + [line.rstrip(",")]) + "]"


def dump_case(case):
    """One case; short fields on one line, each array on lines of its own."""
    parts = []
    for name, value in case.items():
        if name == "arrays":
            arrays = ",\n".join(f'"{key}": {{"shape": {dump_array(array)}}}' for key, array in value.items())
            parts.append(f'"arrays": {{\n{arrays}\n}}')
        elif isinstance(value, dict) and "axes" in value:
            parts.append(f'"{name}": {{"axes": "{value["axes"]}", "shape": {dump_array(value["data"])}}}')
        else:
            parts.append(f'"{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}"


def write(name, made_by, cases):
    """Writes NAME.json beside this script."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".json")
    parts = [dump_case(finish(case)) for case in cases]
    with open(path, "w", encoding="ascii") as file:
        file.write(f'{{\n"made_by": {json.dumps(made_by)},\n"cases": [\n')
        file.write(",\n".join(parts))
        file.write("\n]\n}\n")
    print(f"{path}: {os.path.getsize(path)} bytes")
