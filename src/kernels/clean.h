/* SPDX-License-Identifier: BSD-2-Clause */
/* clean.h: tiny values made +0, so that no product in a layer is ever subnormal. */
#ifndef GRU_KERNELS_CLEAN_H
#define GRU_KERNELS_CLEAN_H

#include "words.h"

/* One row; `to` may have room for whole vectors, or for `count` floats only. */
GRU_INLINE void clean_row(float *to, const float *from, size_t count, const int whole)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(to + i, v_clean(v_load(from + i)));
    if (i < count) {
        vec a = v_clean(v_load_part(from + i, count - i));
        if (whole)
            v_store(to + i, a);
        else
            v_store_part(to + i, a, count - i);
    }
}

/* The caller's state, cleaned, or zeros. */
GRU_INLINE void clean_state(float *h, const float *h0, size_t units)
{
    if (h0)
        clean_row(h, h0, units, 1);
    else
        for (size_t unit = 0; unit < units; unit += LANES)
            v_store(h + unit, v_set1(0.0f));
}

static inline void clean(float *to, size_t to_row, const float *from, ptrdiff_t from_row, size_t rows, size_t count)
{
    for (size_t row = 0; row < rows; row++)
        clean_row(to + row * to_row, from + (ptrdiff_t)row * from_row, count, 0);
    v_end();
}

#endif
