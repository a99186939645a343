/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_scalar.c: the measuring loops in plain C, one float at a time, with the C library's fmaf where the baseline
 * CPU has no such instruction: what the "scalar" back end can reach. */
#include "../arch/scalar/vec.h"

#if defined(__x86_64__)
#define V_REGISTER "x"
#define S_REGISTER "x"
#elif defined(__aarch64__)
#define V_REGISTER "w"
#define S_REGISTER "w"
#else
#define V_REGISTER "m"
#define S_REGISTER "m"
#endif
/* As many as of AVX2, whose 16 registers are the same ones. */
enum { CHAINS = 12 };

/* A multiplication has an FMA's latency or one less, and goes through the same ports; a call to fmaf wouldn't. */
static inline float s_fma(float a)
{
    return a * a;
}

#include "limits_body.h"

const struct limits_isa limits_scalar = {"scalar", LANES, peak, CHAINS, latency, divide, read_all, feed_all, probe};
