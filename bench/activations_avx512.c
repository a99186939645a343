/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_avx512.c: the yardsticks of AVX-512. */
#ifndef __AVX512F__
#error "activations_avx512.c needs -mavx512f"
#endif
#include "../arch/avx512/vec.h"

/* Names of the vector ABI: e for AVX-512, N without a mask, 16 values, one argument in a vector. */
#define MVEC_TANH "_ZGVeN16v_tanhf"
#define MVEC_EXP "_ZGVeN16v_expf"

static inline vec sleef_tanh_u10(vec a)
{
    return Sleef_tanhf16_u10avx512f(a);
}
static inline vec sleef_tanh_u35(vec a)
{
    return Sleef_tanhf16_u35avx512f(a);
}
static inline vec sleef_exp_u10(vec a)
{
    return Sleef_expf16_u10avx512f(a);
}

#include "activations_body.h"

const struct activations_isa activations_avx512 = {"avx512", yardsticks, own_functions, LANES, mvec_open};
