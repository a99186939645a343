/* SPDX-License-Identifier: BSD-2-Clause */
/* words.h: the vocabulary for a body. A back end has included its own before; a body that is opened alone, in an
 * editor, gets scalar's. (Not those that tier.h includes after others, nor table.h.) */
#ifndef GRU_VEC_H
#define TILE_PLAIN /* as in arch/scalar/backend.c */
#include "../../arch/scalar/vec.h"
#endif

#ifndef GRU_KERNELS_WORDS_H
#define GRU_KERNELS_WORDS_H

#include "../backend.h"

#define GRU_INLINE static inline __attribute__((always_inline))
#define GRU_NOINLINE __attribute__((noinline))

/* Loops over accumulators must vanish, or the accumulators live in memory. Trip counts here are constants of at most
 * TILE_ACCUMULATORS. */
#if defined(__clang__)
#define GRU_UNROLL _Pragma("clang loop unroll(full)")
#else
#define GRU_UNROLL _Pragma("GCC unroll 32")
#endif

/* A statement for each k of the `n` vectors that go through a body side by side. */
#define EACH   \
    GRU_UNROLL \
    for (size_t k = 0; k < n; k++)

/* Asks for a line that will be read before long, and waits for nothing: soon for the first-level cache, later for the
 * second. */
GRU_INLINE void fetch_soon(const float *line)
{
    __builtin_prefetch(line, 0, 3);
}

GRU_INLINE void fetch_later(const float *line)
{
    __builtin_prefetch(line, 0, 2);
}

/* 0 .. n lanes of the caller's memory: a whole vector where there is room for one. */
static inline vec v_load_upto(const float *p, size_t n)
{
    return n >= LANES ? v_load(p) : v_load_part(p, n);
}

static inline void v_store_upto(float *p, vec a, size_t n)
{
    if (n >= LANES)
        v_store(p, a);
    else
        v_store_part(p, a, n);
}

#endif
