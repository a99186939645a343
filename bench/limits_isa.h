/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_isa.h: what each instruction set offers to measure the machine with. */
#ifndef BENCH_LIMITS_ISA_H
#define BENCH_LIMITS_ISA_H

#include <stddef.h>

enum { LIMITS_DIVIDE_CHAINS = 8 };

struct limits_isa {
    const char *name; /* that of the back end which uses the same instructions */
    size_t lanes;

    /* Runs `rounds` x `chains` fused multiply-adds of whole vectors in `chains` (12 or 16) independent chains, enough
     * to fill latency x ports. */
    void (*peak)(size_t rounds);
    size_t chains;

    /* One chain of `links` dependent fused multiply-adds. */
    void (*latency)(size_t links);

    /* `rounds` x LIMITS_DIVIDE_CHAINS divisions of whole vectors. */
    void (*divide)(size_t rounds);

    /* Reads `bytes` (a multiple of 1024 x streams) from `base` in 1, 2, 4 or 8 streams side by side, prefetching
     * `ahead` bytes before each (0: not). */
    void (*read)(const char *base, size_t bytes, size_t streams, size_t ahead);

    /* The same by multiply-adds, one for each vector, as a product has to read its weights. */
    void (*feed)(const char *base, size_t bytes, size_t streams, size_t ahead);

    /* `chains` independent chains of 16 dependent scalar fused multiply-adds, one chain after the other in program
     * order. How many of them overlap depends on the size of the scheduler, which two hardware threads share: see
     * quiet.h. */
    void (*probe)(size_t chains);
};

extern const struct limits_isa limits_scalar;
#if defined(__x86_64__)
extern const struct limits_isa limits_avx2;
extern const struct limits_isa limits_avx512;
#elif defined(__aarch64__)
extern const struct limits_isa limits_neon;
#endif

/* The instruction sets that this CPU has, widest first; NULL past the last. By CPU features, not by what the library
 * says, so that `limits` needs no library. */
const struct limits_isa *limits_isa_at(size_t i);
/* The one of a back end's name, or NULL. */
const struct limits_isa *limits_isa_named(const char *name);

#endif
