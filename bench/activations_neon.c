/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_neon.c: the yardsticks of NEON (AArch64). */
#ifndef __ARM_NEON
#error "activations_neon.c is for AArch64"
#endif
#include "../arch/neon/vec.h"

#define MVEC_TANH "_ZGVnN4v_tanhf"
#define MVEC_EXP "_ZGVnN4v_expf"

static inline vec sleef_tanh_u10(vec a)
{
    return Sleef_tanhf4_u10(a);
}
static inline vec sleef_tanh_u35(vec a)
{
    return Sleef_tanhf4_u35(a);
}
static inline vec sleef_exp_u10(vec a)
{
    return Sleef_expf4_u10(a);
}

#include "activations_body.h"

const struct activations_isa activations_neon = {"neon", yardsticks, own_functions, LANES, mvec_open};
