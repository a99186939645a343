/* SPDX-License-Identifier: BSD-2-Clause */
/* shape.h: which matrices a layer has, and how wide each is packed. */
#ifndef GRU_SHAPE_H
#define GRU_SHAPE_H

#include <gru.h>

#include <stddef.h>

/* How many gates each matrix of a layer holds, which come first, and for how many units they are packed. */
struct gru_shape {
    size_t input, recurrent, apart, candidate;
    size_t first;            /* GRU_R, or GRU_Z where there is no reset gate */
    size_t w_units, u_units; /* of the matrix over x, and of those over h */
};

/* The shape of a checked description with its back end. */
struct gru_shape gru_shape_of(const gru_desc *desc);

/* Floats of weights that lone steps find in the first-level cache. What else small steps need (kernels/small.h) is
 * mostly in registers: of 48 KiB they may fill 47 1/2 (H = 44 with 40 inputs takes 0.91 of the time, padded), those
 * that go the general way, with a clip, 44 (H = 52 without reset takes 1.22 times as long there with 38 inputs). */
size_t gru_near_weights(const gru_desc *desc);

#endif
