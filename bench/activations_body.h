/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_body.h: the yardsticks of a vector instruction set, included by activations_<isa>.c after its words
 * (vec.h of the back end), its sleef_* and its MVEC_*. */
#include "activations_rational.h"

#include <string.h>

static vec (*mvec_tanh_address)(vec);
static vec (*mvec_exp_address)(vec);

static bool mvec_open(void)
{
    /* By memcpy: ISO C has no cast from an object's address to a function's. */
    void *tanh_address = activations_mvec(MVEC_TANH);
    void *exp_address = activations_mvec(MVEC_EXP);
    memcpy(&mvec_tanh_address, &tanh_address, sizeof mvec_tanh_address);
    memcpy(&mvec_exp_address, &exp_address, sizeof mvec_exp_address);
    return mvec_tanh_address && mvec_exp_address;
}

static inline vec mvec_tanh(vec x)
{
    return mvec_tanh_address(x);
}

/* 1 / (1 + exp(-x)), from exp(-x). */
static inline vec sigmoid_of(vec exp)
{
    vec one = v_set1(1.0f);
    return v_div(one, v_add(exp, one));
}

static inline vec mvec_sigmoid(vec x)
{
    return sigmoid_of(mvec_exp_address(v_xor_sign(x, v_set1(-0.0f))));
}

static inline vec sleef_sigmoid_u10(vec x)
{
    return sigmoid_of(sleef_exp_u10(v_xor_sign(x, v_set1(-0.0f))));
}

static void sleef_tanh_u10_over(size_t count, const float *x, float *y)
{
    yardstick_over(count, x, y, sleef_tanh_u10);
}

static void sleef_tanh_u35_over(size_t count, const float *x, float *y)
{
    yardstick_over(count, x, y, sleef_tanh_u35);
}

static void sleef_sigmoid_u10_over(size_t count, const float *x, float *y)
{
    yardstick_over(count, x, y, sleef_sigmoid_u10);
}

static void mvec_tanh_over(size_t count, const float *x, float *y)
{
    yardstick_over(count, x, y, mvec_tanh);
}

static void mvec_sigmoid_over(size_t count, const float *x, float *y)
{
    yardstick_over(count, x, y, mvec_sigmoid);
}

static void sleef_block_u10_over(size_t count, const float *x, float *y)
{
    yardstick_block(count, x, y, sleef_sigmoid_u10, sleef_tanh_u10);
}

static void sleef_block_u35_over(size_t count, const float *x, float *y)
{
    yardstick_block(count, x, y, sleef_sigmoid_u10, sleef_tanh_u35);
}

static void mvec_block_over(size_t count, const float *x, float *y)
{
    yardstick_block(count, x, y, mvec_sigmoid, mvec_tanh);
}

static yardstick_function *const yardsticks[YARDSTICK_COUNT][YARDSTICK_FUNCTIONS] = {
    [YARDSTICK_SLEEF_U10] = {sleef_sigmoid_u10_over, sleef_tanh_u10_over, sleef_block_u10_over},
    [YARDSTICK_SLEEF_U35] = {NULL, sleef_tanh_u35_over, sleef_block_u35_over},
    [YARDSTICK_MVEC] = {mvec_sigmoid_over, mvec_tanh_over, mvec_block_over},
    [YARDSTICK_RATIONAL] = {rational_sigmoid_over, rational_tanh_over, rational_block_over},
};
