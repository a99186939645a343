/* SPDX-License-Identifier: BSD-2-Clause */
/* blend.h: the update h' of a state from h, the candidate n and the gate z, in both conventions. */
#ifndef GRU_KERNELS_BLEND_H
#define GRU_KERNELS_BLEND_H

#include "clean.h"

/*
 * keep:    fma(z, h, fma(-z, n, n)) = z h + (1 - z) n       replace: fma(z, n, fma(-z, h, h)) = (1 - z) h + z n
 *
 * In this form the ends are exact: z = 1 makes the inner fma +0, so that the outer returns its product, which is h (or
 * n) itself; z = 0 leaves the inner value, n (or h) itself. A -0 becomes +0.
 */
static inline vec v_blend(enum gru_update update, vec z, vec h, vec n)
{
    vec held = update == GRU_UPDATE_KEEP ? h : n;
    vec left = update == GRU_UPDATE_KEEP ? n : h;
    return v_fma(z, held, v_fnma(z, left, left));
}

static inline void blend(enum gru_update update, size_t count, const float *z, const float *h, const float *n,
                         float *out)
{
    for (size_t i = 0; i < count; i += LANES) {
        size_t lanes = count - i;
        vec zi = v_clean(v_load_upto(z + i, lanes));
        vec hi = v_clean(v_load_upto(h + i, lanes));
        vec ni = v_clean(v_load_upto(n + i, lanes));
        v_store_upto(out + i, v_clean(v_blend(update, zi, hi, ni)), lanes);
    }
    v_end();
}

#endif
