/* SPDX-License-Identifier: BSD-2-Clause */
/* sleef.h: the tier on SLEEF's deterministic functions, whose bits are the same wherever there is an FMA instruction. */
#ifndef GRU_KERNELS_SLEEF_H
#define GRU_KERNELS_SLEEF_H

#include "words.h"

/* A subnormal becomes the zero of its sign; anything else stays. */
static inline vec v_flush(vec x)
{
    ivec magnitude = i_and(v_bits(x), i_set1(0x7fffffff));
    return v_select(i_gt(magnitude, i_set1(0x007fffff)), x, v_float(i_and(v_bits(x), i_set1(INT32_MIN))));
}

/* 1 / (1 + exp(-x)). Beyond 87 it is exactly 1 without any help; below -87, where the quotient nears the subnormals
 * (sigmoid(-87) = 1.6e-38), it is 0. Limiting x keeps exp from overflowing and from underflowing. */
static inline vec v_sigmoid_sleef(vec x)
{
    const float end = 87.0f;
    vec limited = v_select(v_lt(x, v_set1(-end)), v_set1(-end), v_select(v_lt(v_set1(end), x), v_set1(end), x));
    vec negative = v_sub(v_set1(0.0f), v_flush(limited));
    vec y = v_div(v_set1(1.0f), v_add(v_set1(1.0f), v_sleef_exp(negative)));
    return v_select(v_lt(x, v_set1(-end)), v_set1(0.0f), y);
}

static inline vec v_tanh_sleef(vec x)
{
    return v_sleef_tanh(v_flush(x));
}

#endif
