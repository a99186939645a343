# SPDX-License-Identifier: BSD-2-Clause
"""serve.py: the protocol of peer.h for peers that are reached through Python."""
import sys
import time

import numpy


class Cell:
    """The data of one cell, as peer.h describes it."""

    def __init__(self, words):
        self.input, self.hidden, self.batch, self.steps, self.threads = (int(word) for word in words[:5])
        self.before = words[5] == "before"
        h, i, rows = self.hidden, self.input, self.steps * self.batch
        shapes = [(3, h, i), (3, h, h), (3, h), (3, h), (self.steps, self.batch, i), (self.batch, h)]
        data = numpy.fromfile(words[6], dtype=numpy.float32)
        parts, at = [], 0
        for shape in shapes:
            size = int(numpy.prod(shape))
            parts.append(data[at:at + size].reshape(shape).copy())
            at += size
        self.w, self.u, self.bx, self.bh, self.x, self.h0 = parts
        assert rows * i == self.x.size and at == data.size


def measure(run, steps, ns):
    """The median of blocks of about 50 us, as in peer.c."""
    clock = time.perf_counter_ns
    calls = 1
    while True:
        start = clock()
        for _ in range(calls):
            run()
        if clock() - start > 50000:
            break
        calls *= 2
    blocks = []
    end = clock() + ns
    while True:
        start = clock()
        for _ in range(calls):
            run()
        now = clock()
        blocks.append((now - start) / calls / steps)
        if now > end:
            break
    return sorted(blocks)[len(blocks) // 2], len(blocks) * calls


def serve(open_cell):
    """open_cell(cell) gives run() and state(), which is the last state [B, H] after one call from h0."""
    run = state = cell = None
    for line in sys.stdin:
        words = line.split()
        try:
            if words[0] == "open":
                cell = Cell(words[1:])
                run, state = open_cell(cell)
                answer = "ok"
            elif words[0] == "check":
                numpy.ascontiguousarray(state(), dtype=numpy.float32).tofile(words[1])
                answer = "ok"
            elif words[0] == "time":
                answer = "%.3f %d" % measure(run, cell.steps, float(words[1]))
            elif words[0] == "close":
                run = state = cell = None
                answer = "ok"
            else:
                answer = "1" if words[0] == "quiet" else "no such request"
        except Exception as error:  # the reason goes to the table, whatever it is
            answer = "no " + (str(error).splitlines() or [type(error).__name__])[0]
        print(answer, flush=True)
