/* SPDX-License-Identifier: BSD-2-Clause */
/* limit.h: what is done to pre-activations without any tier: clipping, and the hard sigmoid. */
#ifndef GRU_KERNELS_LIMIT_H
#define GRU_KERNELS_LIMIT_H

#include "words.h"

/* Selects, not min and max: NaN passes. */
static inline vec v_limit(vec a, vec least, vec most)
{
    return v_select(v_lt(a, least), least, v_select(v_lt(most, a), most, a));
}

/* Limited to [-clip, clip], unless clip is 0. */
static inline vec v_clip(vec a, float clip)
{
    return clip > 0 ? v_limit(a, v_set1(-clip), v_set1(clip)) : a;
}

static inline vec v_hard_sigmoid(vec a, float alpha, float beta)
{
    return v_limit(v_fma(v_set1(alpha), a, v_set1(beta)), v_set1(0.0f), v_set1(1.0f));
}

#endif
