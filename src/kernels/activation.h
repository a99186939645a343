/* SPDX-License-Identifier: BSD-2-Clause */
/* activation.h: sigmoid and tanh on a vector, for each tier. */
#ifndef GRU_KERNELS_ACTIVATION_H
#define GRU_KERNELS_ACTIVATION_H

#include "sleef.h"

static inline vec v_sigmoid_fast(vec x) { return v_sigmoid_sleef(x); }
static inline vec v_tanh_fast(vec x) { return v_tanh_sleef(x); }
static inline vec v_sigmoid_faster(vec x) { return v_sigmoid_sleef(x); }
static inline vec v_tanh_faster(vec x) { return v_tanh_sleef(x); }
static inline vec v_sigmoid_accurate(vec x) { return v_sigmoid_sleef(x); }
static inline vec v_tanh_accurate(vec x) { return v_tanh_sleef(x); }

#endif
