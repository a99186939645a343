/* SPDX-License-Identifier: BSD-2-Clause */
/* clean.h: tiny values made +0, so that no product in a layer is ever subnormal. */
#ifndef GRU_KERNELS_CLEAN_H
#define GRU_KERNELS_CLEAN_H

#include "words.h"

static void clean(float *to, const float *from, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(to + i, v_clean(v_load(from + i)));
    if (i < count)
        v_store_part(to + i, v_clean(v_load_part(from + i, count - i)), count - i);
    v_end();
}

#endif
