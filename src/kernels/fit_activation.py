#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the eight-segment tables of activation.h by linear programming, and proves what is in the file with Sollya.

    fit_activation.py          fits the tables, prints them as C and says which equal those of activation.h (needs scipy)
    fit_activation.py --prove  prints a proved bound of |polynomial - function| for each segment of activation.h (needs sollya)

A fit is one programme over all segments: minimise E + (sum of E_i) / 50 with |p - f| <= E_i w, E_i <= E on a Chebyshev grid
of each segment, p' > 0, no step back at a knot, an exact start at 0 and an exact end. Then c0 of every segment is rounded to
fp32 and fixed and the rest solved again, then c1, and so on: each rounding is repaired by the coefficients after it. The
small sum makes the solution unique and nothing is random, but the last bits may hang on the solver: scipy 1.17.1 was used.

The bounds of --prove are those of exact arithmetic; what rounding adds is measured by tests/sweep.c over all inputs.
"""
import re
import struct
import subprocess
import sys
from pathlib import Path

HEADER = Path(__file__).with_name("activation.h")
FUNCTIONS = {"tanh_fast": "tanh(x)", "tanh_faster": "tanh(x)", "sigmoid_faster": "tanh(x/2)/2", "tanh_accurate": "tanh(x)"}
BITS = {"tanh_fast": 2, "tanh_faster": 2, "sigmoid_faster": 2, "tanh_accurate": 1}  # of the mantissa, in a segment's number
UNIT = 1e7  # the unknowns are corrections to a least-squares fit in this unit: the solver's tolerance is then far below an ulp


def float_bits(x):
    return struct.unpack("<I", struct.pack("<f", x))[0]


def to_float(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def knots(bits, offset, scale):
    """Where the top `bits` mantissa bits of u = scale t + offset change: the nine ends of eight segments."""
    steps = sorted((1 + i / 2**bits) * 2.0**e for e in range(9) for i in range(2**bits))
    return [(u - offset) / scale for u in [offset] + [v for v in steps if v > offset + 1e-9][:8]]


def number(bits, t, scale, offset):
    """The segment's number that the code computes for t, before it is taken modulo 8."""
    return float_bits(to_float(scale * t + offset)) >> (23 - bits)


def top(end, bits, scale, offset):
    """The largest fp32 t that still lies in the segment that ends here."""
    last, u = number(bits, to_float(end * (1 - 1e-5)), scale, offset), float_bits(end * (1 + 1e-6))
    while number(bits, struct.unpack("<f", struct.pack("<I", u))[0], scale, offset) != last:
        u -= 1
    return struct.unpack("<f", struct.pack("<I", u))[0]


class Fit:
    """One table: where its segments are, and what is asked of its polynomials."""

    def __init__(self, np, function, slope, degree, bits, offset, end, weight, gap, end_value, start):
        self.np, self.f, self.df, self.degree, self.weight, self.gap = np, function, slope, degree, weight, gap
        self.bits, self.end_value, self.start = bits, end_value, start
        self.scale = to_float(knots(bits, offset, 1.0)[-1] / end)
        self.offset = to_float(offset)
        self.ends = np.array(knots(bits, self.offset, self.scale))
        self.mid = np.zeros(8)

    def solve(self):
        """Coefficients [segment][power] as fp32 values, and the error after the last rounding."""
        np, k = self.np, self.degree + 1
        self.ends[-1] = top(self.ends[-1], self.bits, self.scale, self.offset)
        theta = np.concatenate([[-1], np.cos((np.arange(70) + .5) * np.pi / 70), [1]])
        self.reach = np.maximum(np.abs(self.ends[1:] - self.mid), np.abs(self.ends[:-1] - self.mid))
        self.base, self.grids = np.zeros((8, k)), []
        for i in range(8):
            a, b = self.ends[i], self.ends[i + 1]
            slack = 3e-7 * max(1, b)  # u is rounded: a knot may lie a little beside its place
            t = np.clip((a + b) / 2 + (b - a + 2 * slack) / 2 * theta, 0 if i == 0 else a - slack, b + (slack if i < 7 else 0))
            self.grids.append(t)
            powers = ((t - self.mid[i]) / self.reach[i])[:, None] ** np.arange(k)
            self.base[i] = np.linalg.lstsq(powers, self.f(t), rcond=None)[0]
        fixed, error = dict(self.start), 0.0
        for j in range(k):
            coefficients, error = self.programme(fixed)
            for i in range(8):
                fixed.setdefault((i, j), to_float(coefficients[i, j]))
        return np.array([[fixed[(i, j)] for j in range(k)] for i in range(8)]), error

    def row(self, i, x, derivative=0):
        """The coefficients of the unknowns in segment i's polynomial (or its derivative) at x."""
        r, l, k = self.np.zeros(8 * (self.degree + 1) + 9), (x - self.mid[i]) / self.reach[i], self.degree + 1
        for j in range(derivative, k):
            r[i * k + j] = l**j if derivative == 0 else j * l ** (j - 1) / self.reach[i]
        return r

    def programme(self, fixed):
        from scipy.optimize import linprog
        np, k, errors = self.np, self.degree + 1, 8 * (self.degree + 1)
        flat = np.append(self.base.ravel(), np.zeros(9))
        at_most, limits, equal, values = [], [], [], []
        for i in range(8):
            for x in self.grids[i]:
                up = self.row(i, x)
                want, down = (self.f(x) - up @ flat) * UNIT, -up
                up[errors + i] = down[errors + i] = -self.weight(x)
                at_most += [up, down]
                limits += [want, -want]
                if x < self.ends[-1]:
                    r = self.row(i, x, 1)
                    at_most.append(-r)
                    limits.append((r @ flat - 0.02 * self.df(x)) * UNIT)
            if i < 7:
                r = self.row(i, self.ends[i + 1]) - self.row(i + 1, self.ends[i + 1])
                at_most.append(r)
                limits.append((-self.gap - r @ flat) * UNIT)
        for i in range(8):
            r = np.zeros(errors + 9)
            r[errors + i], r[-1] = 1, -1
            at_most.append(r)
            limits.append(0)
        if (7, self.degree) not in fixed:
            r = self.row(7, self.ends[-1])
            equal.append(r)
            values.append((self.end_value - r @ flat) * UNIT)
        for (i, j), v in fixed.items():
            r = np.zeros(errors + 9)
            r[i * k + j] = 1
            equal.append(r)
            values.append((v * self.reach[i] ** j - self.base[i, j]) * UNIT)
        goal = np.zeros(errors + 9)
        goal[errors:-1], goal[-1] = .02, 1
        problem = dict(A_ub=np.array(at_most), b_ub=limits, A_eq=np.array(equal), b_eq=values, bounds=[(None, None)] * (errors + 9))
        tolerances = {"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9}
        result = linprog(goal, method="highs-ds", options=tolerances, **problem)
        if result.status != 0:
            result = linprog(goal, method="highs-ipm", **problem)
        if result.status != 0:
            raise ArithmeticError(result.message)
        found = self.base + result.x[:errors].reshape(8, k) / UNIT
        return found / self.reach[:, None] ** np.arange(k), result.x[-1] / UNIT


def ulp(np, y):
    return 2.0 ** (np.floor(np.log2(np.maximum(y, 1e-30))) - 23)


def exact_mid(np, want, end, limit):
    """An fp32 near want, on the grid of ulp(end), whose tanh lies within 2^-9 ulp of an fp32 and below limit."""
    grid = ulp(np, end)
    k = np.round(want / grid) + np.concatenate([[0]] + [[d, -d] for d in range(1, 4000)])
    m = k[np.tanh(k * grid) < limit] * grid
    y = np.tanh(m)
    return m[np.argmax(np.abs(y - y.astype(np.float32)) / ulp(np, y) < 2.0**-9)]


def tanh_with_mids(np, offset, end, degree, bits, weight, gap, end_value, exact):
    """A table whose polynomials run in t - mid, the first in t with c0 = 0 and c1 = 1 (stored as 16 and 2^-30: see activation.h)."""
    fit = Fit(np, np.tanh, lambda x: 1 / np.cosh(x)**2, degree, bits, offset, end, weight, gap, end_value, {(0, 0): 0.0, (0, 1): 1.0})
    e = fit.ends
    if exact:
        mids = [min((e[i] + e[i + 1]) / 2, np.arctanh(e[i]) - 1e-3) if i < 3 else (e[i] + e[i + 1]) / 2 for i in range(1, 8)]
        mids = [exact_mid(np, m, e[i + 1], e[i] if i < 3 else 2) for i, m in enumerate(mids, 1)]
    else:
        mids = [np.round((e[i] + e[i + 1]) / 2 * 64) / 64 for i in range(1, 8)]
        mids[0] = np.floor(np.arctanh(e[1]) * 64 - 1e-3) / 64
    fit.mid = np.array([0.0] + mids)  # in the first of these tanh(mid) <= t, which the code's select needs
    coefficients, error = fit.solve()
    coefficients[0, 0], coefficients[0, 1] = 16.0, 2.0**-30
    return error, fit, coefficients


def in_t_itself(np, function, slope, offset, end, end_value, start):
    """A table of degree 3 in t itself."""
    fit = Fit(np, function, slope, 3, 2, offset, end, lambda x: min(1.0, 4 * x + 1e-9), 1e-7, end_value, start)
    coefficients, error = fit.solve()
    # The rounded Horner steps must end at the limit exactly: c0 of the last segment moves by some ulps if they do not.
    c, base = coefficients[-1], float_bits(coefficients[-1][0])
    for moved in sorted(range(-40, 41), key=abs):
        c[0] = struct.unpack("<f", struct.pack("<I", base + moved * (1 if c[0] > 0 else -1)))[0]
        y = c[3]
        for j in (2, 1, 0):
            y = to_float(y * fit.ends[-1] + c[j])
        if y == end_value:
            return error, fit, coefficients
    raise ArithmeticError("no end")


def best(candidates):
    """The one of least error; the solver gives up on a few layouts, which are left out."""
    found = []
    for make in candidates:
        try:
            found.append(make())
        except ArithmeticError:
            pass
    return min(found, key=lambda r: r[0])


def tables(np):
    """(name, error, fit, coefficients) of each table; the layouts that are tried stand here."""
    yield "tanh_fast", *best([lambda o=o, e=e: tanh_with_mids(
        np, o, e, 5, 2, lambda x: min(1.0, 4 * x + 1e-9), 1e-8, 1 + 2.0**-26, False)
        for o in (1.32, 1.325, 1.33) for e in (7.9, 7.95, 8.0)])
    yield "tanh_faster", *best([lambda o=o, e=e: in_t_itself(
        np, np.tanh, lambda x: 1 / np.cosh(x)**2, o, e, 1.0, {(0, 0): 0.0, (0, 1): 1.0})
        for o in (1.29, 1.31, 1.33) for e in (5.3, 5.35, 5.4, 5.45)])
    yield "sigmoid_faster", *best([lambda o=o, e=e: in_t_itself(
        np, lambda x: np.tanh(x / 2) / 2, lambda x: .25 / np.cosh(x / 2)**2, o, e, 0.5, {(0, 0): 0.0})
        for o in (1.25, 1.27, 1.29) for e in (10.4, 10.6, 10.8)])
    # In ulps of the result; a tenth to a third of one where there is room, so that the rest has to work for it.
    weight = lambda x: 2.0**24 * (ulp(np, np.tanh(x)) * (1 if 2.5 < x < 4.3 else .3 if x > .15 else .05) + 1e-30)
    yield "tanh_accurate", *tanh_with_mids(np, 1.5, 9.13, 7, 1, weight, 2e-9, 1 - 2.3e-8, True)


def hex_float(x):
    mantissa, exponent = float(x).hex().split("p")
    return (mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa) + "p" + exponent + "f"


def show(name, error, fit, coefficients):
    """The table as C: rotated, since the index is taken modulo 8."""
    first = float_bits(fit.offset) >> (23 - fit.bits) & 7
    rows = [(f"c[{j}]", coefficients[:, j]) for j in range(fit.degree + 1)]
    rows = ([("mid", fit.mid)] if fit.mid.any() else []) + rows
    text = f"static const struct act_table {name}_table = {{\n    .top = {hex_float(fit.ends[-1])}, "
    text += f".scale = {hex_float(fit.scale)}, .offset = {hex_float(fit.offset)},\n"
    for row, values in rows:
        turned = [hex_float(values[(j - first) % 8]) for j in range(8)]
        text += f"    .{row} = {{ {', '.join(turned[:4])},\n        {', '.join(turned[4:])} }},\n"
    same = "the same as in activation.h" if text in HEADER.read_text() else "NOT the one of activation.h"
    print(f"/* {name}: {same}; error of the fit {error:.4g}; ends {', '.join('%.4f' % e for e in fit.ends)} */\n{text}}};")
    return text in HEADER.read_text()


def prove(name):
    """Hands each segment of a table of activation.h to Sollya's supnorm."""
    table = re.search(rf"act_table {name}_table = {{(.*?)\n}};", HEADER.read_text(), re.S).group(1)
    numbers = lambda row: [float.fromhex(x.strip(" \nf")) for x in re.search(rf"\.{re.escape(row)} = {{(.*?)}}", table, re.S).group(1).split(",")]
    one = lambda field: float.fromhex(re.search(rf"\.{field} = (\S+?)f,", table).group(1))
    bits, rows = BITS[name], [numbers(f"c[{j}]") for j in range(len(re.findall(r"\.c\[", table)))]
    mids, ends = numbers("mid") if ".mid" in table else [0.0] * 8, knots(bits, one("offset"), one("scale"))
    ends[-1] = one("top")
    print(f"{name}:")
    for i in range(8):
        k = ((float_bits(one("offset")) >> (23 - bits)) + i) % 8
        c, m = [row[k] for row in rows], mids[k]
        if ".mid" in table and i == 0:
            c[0], c[1] = 0.0, 1 + c[1]
        polynomial = " + ".join(f"({v.hex()})*x^{j}" for j, v in enumerate(c))
        a = ends[i].hex() if i else "1b-40"  # x = 0 is exact, and supnorm dislikes it
        script = f"f = {FUNCTIONS[name]}; b = supnorm({polynomial}, f({m.hex()} + x), " \
                 f"[{a} - {m.hex()}; {ends[i + 1].hex()} - {m.hex()}], absolute, 1b-10); print(round(sup(b), 20, RU)); quit;"
        bound = subprocess.run(["sollya"], input=script, capture_output=True, text=True, check=False).stdout.strip()
        print(f"    {ends[i]:9.5f} .. {ends[i + 1]:9.5f}   error <= {float(bound):.4g}", flush=True)


def main():
    if sys.argv[1:] == ["--prove"]:
        for name in FUNCTIONS:
            prove(name)
        return 0
    import numpy
    same = [show(*table) for table in tables(numpy)]
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
