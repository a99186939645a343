/* SPDX-License-Identifier: BSD-2-Clause */
/* clean.h: tiny values made +0, so that no product in a layer is ever subnormal. */
#ifndef GRU_KERNELS_CLEAN_H
#define GRU_KERNELS_CLEAN_H

#include "words.h"

/* The bits of 2^-62: two factors of at least that have a product of at least 2^-124, which is normal (2^-126). */
enum { CLEAN_LEAST = (127 - 62) << 23 };

/* The test is on the integer bits: a float compare of a subnormal would already cost what this is here to avoid, and
 * flushing modes differ between CPUs and belong to the caller. NaN has large bits and stays. */
static inline vec v_clean(vec a)
{
    ivec magnitude = i_and(v_bits(a), i_set1(0x7fffffff));
    return v_keep(i_gt(magnitude, i_set1(CLEAN_LEAST - 1)), a);
}

static void clean(float *to, const float *from, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(to + i, v_clean(v_load(from + i)));
    if (i < count)
        v_store_part(to + i, v_clean(v_load_part(from + i, count - i)), count - i);
}

#endif
