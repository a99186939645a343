/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_neon.c: the measuring loops in NEON (AArch64). */
#ifndef __ARM_NEON
#error "limits_neon.c is for AArch64"
#endif
#include "../arch/neon/vec.h"

#define V_REGISTER "w"
#define S_REGISTER "w"
/* Latency 4 x up to 4 ports. */
enum { CHAINS = 16 };

static inline float s_fma(float a)
{
    return __builtin_fmaf(a, a, a);
}

#include "limits_body.h"

const struct limits_isa limits_neon = {"neon", LANES, peak, CHAINS, latency, divide, read_all, feed_all, probe};
