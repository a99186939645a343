/* SPDX-License-Identifier: BSD-2-Clause */
/* sleef.h: the tier on SLEEF's deterministic functions, whose bits are the same wherever there is an FMA
 * instruction. */
#ifndef GRU_KERNELS_SLEEF_H
#define GRU_KERNELS_SLEEF_H

#include "place.h"

/* The bits of 2^-30. Below it tanh x is x and sigmoid x is 1/2, to the last bit; SLEEF would square such an argument,
 * and the square of a tiny one is subnormal. So it gets a zero instead. */
enum { SLEEF_LEAST = (127 - 30) << 23 };

/*
 * 1 / (1 + exp(-x)). Above 87 it is exactly 1 without any help; below -87, where the quotient nears the subnormals
 * (sigmoid(-87) = 1.6e-38), it is 0. Limiting x keeps exp from overflowing and from underflowing.
 */
static inline vec v_sigmoid_by_sleef(vec x)
{
    vec end = v_set1(87.0f), least = v_set1(-87.0f);
    vec a = v_xor_sign(v_clamp_abs(x, SLEEF_LEAST, v_set1(128.0f)), x);
    vec e = v_sleef_exp(v_sub(v_set1(0.0f), v_at_least(least, v_at_most(end, a))));
    return v_zero_below(a, least, v_div(v_set1(1.0f), v_add(v_set1(1.0f), e)));
}

/* An x below 2^-30 is its own tanh. Beyond 9.02 tanh is 1 to the last bit; larger arguments are limited, since SLEEF
 * would overflow on the way. */
static inline vec v_tanh_by_sleef(const enum act_place place, vec x)
{
    vec end = v_set1(0x1p-30f);
    vec large = v_clamp_abs(x, SLEEF_LEAST, v_set1(20.0f)), small = v_tanh_start(place, x, end);
    return v_select(v_lt(small, end), v_tanh_end(place, small, x), v_sleef_tanh(v_with_sign(large, x)));
}

/* As activation.h has them. There is nothing to gain side by side from functions that are called. */
GRU_INLINE void v_sigmoid_sleef(const size_t n, const enum act_place place, vec *x)
{
    (void)place;
    EACH x[k] = v_sigmoid_by_sleef(x[k]);
}

GRU_INLINE void v_tanh_sleef(const size_t n, const enum act_place place, vec *x)
{
    EACH x[k] = v_tanh_by_sleef(place, x[k]);
}

#endif
