/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_body.h: the yardsticks' loops, included by activations_<isa>.c after its vocabulary: vec, LANES,
 * v_load, v_store, v_set1, v_fma, v_div, v_min, v_max, v_neg, and sleef_* and MVEC_* where there are any. */
#include "activations_isa.h"

#include <string.h>

/*
 * tanh by its Pade approximant of degree [9/8], which is x P(t) / Q(t) with P and Q of degree 4 in t = x^2: the
 * coefficients are those of the continued fraction x / (1 + t / (3 + t / (5 + ...))) cut after the ninth level.
 * Clamped at 4.97, where it reaches 1. A minimax fit would be more exact and cost the same.
 */
static inline vec rational_tanh(vec x)
{
    vec top = v_set1(4.97f);
    x = v_min(v_max(x, v_neg(top)), top);
    vec t = v_fma(x, x, v_set1(0.0f));
    vec p = v_fma(t, v_set1(1.0f), v_set1(990.0f));
    vec q = v_fma(t, v_set1(45.0f), v_set1(13860.0f));
    p = v_fma(p, t, v_set1(135135.0f));
    q = v_fma(q, t, v_set1(945945.0f));
    p = v_fma(p, t, v_set1(4729725.0f));
    q = v_fma(q, t, v_set1(16216200.0f));
    p = v_fma(p, t, v_set1(34459425.0f));
    q = v_fma(q, t, v_set1(34459425.0f));
    return v_div(v_fma(p, x, v_set1(0.0f)), q);
}

static void rational_tanh_over(size_t count, const float *x, float *y)
{
    for (size_t i = 0; i < count; i += LANES)
        v_store(y + i, rational_tanh(v_load(x + i)));
}

static void rational_sigmoid_over(size_t count, const float *x, float *y)
{
    vec half = v_set1(0.5f);
    for (size_t i = 0; i < count; i += LANES)
        v_store(y + i, v_fma(rational_tanh(v_fma(v_load(x + i), half, v_set1(0.0f))), half, half));
}

#ifdef HAS_SLEEF
static void sleef_tanh_u10_over(size_t count, const float *x, float *y)
{
    for (size_t i = 0; i < count; i += LANES)
        v_store(y + i, sleef_tanh_u10(v_load(x + i)));
}

static void sleef_tanh_u35_over(size_t count, const float *x, float *y)
{
    for (size_t i = 0; i < count; i += LANES)
        v_store(y + i, sleef_tanh_u35(v_load(x + i)));
}

static void sleef_sigmoid_u10_over(size_t count, const float *x, float *y)
{
    vec one = v_set1(1.0f);
    for (size_t i = 0; i < count; i += LANES)
        v_store(y + i, v_div(one, v_fma(sleef_exp_u10(v_neg(v_load(x + i))), one, one)));
}
#endif

#ifdef MVEC_TANH
static vec (*mvec_tanh)(vec);
static vec (*mvec_exp)(vec);

static bool mvec_open(void)
{
    /* By memcpy: ISO C has no cast from an object's address to a function's. */
    void *tanh_address = activations_mvec(MVEC_TANH);
    void *exp_address = activations_mvec(MVEC_EXP);
    memcpy(&mvec_tanh, &tanh_address, sizeof mvec_tanh);
    memcpy(&mvec_exp, &exp_address, sizeof mvec_exp);
    return mvec_tanh && mvec_exp;
}

static void mvec_tanh_over(size_t count, const float *x, float *y)
{
    for (size_t i = 0; i < count; i += LANES)
        v_store(y + i, mvec_tanh(v_load(x + i)));
}

static void mvec_sigmoid_over(size_t count, const float *x, float *y)
{
    vec one = v_set1(1.0f);
    for (size_t i = 0; i < count; i += LANES)
        v_store(y + i, v_div(one, v_fma(mvec_exp(v_neg(v_load(x + i))), one, one)));
}
#endif
