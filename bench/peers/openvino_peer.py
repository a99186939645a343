# SPDX-License-Identifier: BSD-2-Clause
"""OpenVINO: one GRUSequence (or GRUCell for one step), compiled for latency in fp32, tensors set once."""
import numpy
import openvino
from openvino import opset9 as ops

from serve import serve

ORDER = [1, 0, 2]  # z, r, h of the data's r, z, n


def open_cell(cell):
    h, i, b, t = cell.hidden, cell.input, cell.batch, cell.steps
    w = cell.w[ORDER].reshape(3 * h, i)
    r = cell.u[ORDER].reshape(3 * h, h)
    joined = [cell.bx[1] + cell.bh[1], cell.bx[0] + cell.bh[0]]
    joined += [cell.bx[2]] if cell.before else [cell.bx[2], cell.bh[2]]
    bias = numpy.concatenate(joined)
    linear = not cell.before
    if t == 1:
        x = ops.parameter([b, i], numpy.float32)
        h0 = ops.parameter([b, h], numpy.float32)
        node = ops.gru_cell(x, h0, ops.constant(w), ops.constant(r), ops.constant(bias), h,
                            linear_before_reset=linear)
        results, data = [node.output(0)], [cell.x.reshape(b, i), cell.h0]
    else:
        x = ops.parameter([b, t, i], numpy.float32)
        h0 = ops.parameter([b, 1, h], numpy.float32)
        node = ops.gru_sequence(x, h0, ops.constant(numpy.full(b, t, numpy.int32)), ops.constant(w[None]),
                                ops.constant(r[None]), ops.constant(bias[None]), h, "forward",
                                linear_before_reset=linear)
        results = [node.output(0), node.output(1)]
        data = [numpy.ascontiguousarray(cell.x.transpose(1, 0, 2)), cell.h0.reshape(b, 1, h)]
    model = openvino.Model(results, [x, h0], "gru")
    compiled = openvino.Core().compile_model(model, "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": cell.threads, "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    for index, value in enumerate(data):
        request.set_input_tensor(index, openvino.Tensor(numpy.ascontiguousarray(value), shared_memory=True))
    # The C++ object's own method: infer of the Python layer over it would copy its results each time.
    infer = super(type(request), request).infer

    def run():
        infer({}, True, False)

    def state():
        run()
        return request.get_output_tensor(len(results) - 1).data.reshape(b, h)

    return run, state


serve(open_cell)
