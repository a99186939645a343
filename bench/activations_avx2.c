/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_avx2.c: the yardsticks of AVX2 with FMA. */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "activations_avx2.c needs -mavx2 -mfma"
#endif
#include "../arch/avx2/vec.h"

/* Names of the vector ABI: d for AVX2, N without a mask, 8 values, one argument in a vector. */
#define MVEC_TANH "_ZGVdN8v_tanhf"
#define MVEC_EXP "_ZGVdN8v_expf"

static inline vec sleef_tanh_u10(vec a)
{
    return Sleef_tanhf8_u10avx2(a);
}
static inline vec sleef_tanh_u35(vec a)
{
    return Sleef_tanhf8_u35avx2(a);
}
static inline vec sleef_exp_u10(vec a)
{
    return Sleef_expf8_u10avx2(a);
}

#include "activations_body.h"

const struct activations_isa activations_avx2 = {"avx2", yardsticks, own_functions, LANES, mvec_open};
