/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_rational.h: the yardstick of a bare rational function, included after an arch/<isa>/vec.h. */
#include "activations_block.h"

/*
 * tanh by its Pade approximant of degree [9/8], which is x P(t) / Q(t) with P and Q of degree 4 in t = x^2: the
 * coefficients are those of the continued fraction x / (1 + t / (3 + t / (5 + ...))) cut after the ninth level.
 * Clamped at 4.97, where it reaches 1. A minimax fit would be more exact and cost the same.
 */
static inline vec rational_tanh(vec x)
{
    x = v_at_most(v_set1(4.97f), v_at_least(v_set1(-4.97f), x));
    vec t = v_mul(x, x);
    vec p = v_add(t, v_set1(990.0f));
    vec q = yardstick_fma(t, v_set1(45.0f), v_set1(13860.0f));
    p = yardstick_fma(p, t, v_set1(135135.0f));
    q = yardstick_fma(q, t, v_set1(945945.0f));
    p = yardstick_fma(p, t, v_set1(4729725.0f));
    q = yardstick_fma(q, t, v_set1(16216200.0f));
    p = yardstick_fma(p, t, v_set1(34459425.0f));
    q = yardstick_fma(q, t, v_set1(34459425.0f));
    return v_div(v_mul(p, x), q);
}

static inline vec rational_sigmoid(vec x)
{
    vec half = v_set1(0.5f);
    return yardstick_fma(rational_tanh(v_mul(x, half)), half, half);
}

static void rational_tanh_over(size_t count, const float *x, float *y)
{
    yardstick_over(count, x, y, rational_tanh);
}

static void rational_sigmoid_over(size_t count, const float *x, float *y)
{
    yardstick_over(count, x, y, rational_sigmoid);
}

static void rational_block_over(size_t count, const float *x, float *y)
{
    yardstick_block(count, x, y, rational_sigmoid, rational_tanh);
}
