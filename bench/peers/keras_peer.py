# SPDX-License-Identifier: BSD-2-Clause
"""Keras on TensorFlow: keras.layers.GRU as a compiled tf.function, batch-major, the state given."""
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy
import tensorflow as tf

from serve import serve

ORDER = [1, 0, 2]  # z, r, h of the data's r, z, n
threads_set = []


def open_cell(cell):
    if not threads_set:
        tf.config.threading.set_intra_op_parallelism_threads(cell.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        threads_set.append(True)
    h, i, b, t = cell.hidden, cell.input, cell.batch, cell.steps
    layer = tf.keras.layers.GRU(h, return_sequences=t > 1, return_state=True, reset_after=not cell.before)
    layer.build((b, t, i))
    kernel = cell.w[ORDER].reshape(3 * h, i).T
    recurrent = cell.u[ORDER].reshape(3 * h, h).T
    bias = cell.bx[ORDER].reshape(-1)
    if not cell.before:
        bias = numpy.stack([bias, cell.bh[ORDER].reshape(-1)])
    layer.set_weights([numpy.ascontiguousarray(part) for part in (kernel, recurrent, bias)])
    x = tf.constant(numpy.ascontiguousarray(cell.x.transpose(1, 0, 2)))
    h0 = tf.constant(cell.h0)
    call = tf.function(lambda: layer(x, initial_state=h0)).get_concrete_function()
    last = [None]

    def run():
        last[0] = call()

    def state():
        run()
        return last[0][-1].numpy().reshape(b, h)

    return run, state


serve(open_cell)
