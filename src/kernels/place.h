/* SPDX-License-Identifier: BSD-2-Clause */
/* place.h: where an activation's arguments come from, and what tanh does with tiny ones. */
#ifndef GRU_KERNELS_PLACE_H
#define GRU_KERNELS_PLACE_H

#include "words.h"

/* An array may hold anything; a subnormal x counts as a zero of its sign. A layer's sums are zero or at least 2^-124,
 * unless tiny products cancel (../faint.h), which costs time and no bit; and what it takes from tanh must be clean
 * (clean.h). */
enum act_place { ACT_ARRAY, ACT_LAYER };

/* The bits of 2^-126, the smallest normal number, and of 2^-62, the least that is clean. */
enum { ACT_NORMAL = 0x00800000, ACT_CLEAN = 0x20800000 };

/* |x| up to `top`, from which tanh starts. tanh x = x where a flush reaches, so that it may come first or last; in a
 * layer it comes last, off the way from x to the result, which is what a step of a small layer waits for. */
GRU_INLINE vec v_tanh_start(const enum act_place place, vec x, vec top)
{
    return place == ACT_LAYER ? v_at_most(top, v_abs(x)) : v_clamp_abs(x, ACT_NORMAL, top);
}

/* y = tanh |x| with the sign of x. */
GRU_INLINE vec v_tanh_end(const enum act_place place, vec y, vec x)
{
    return place == ACT_LAYER ? v_with_sign_from(y, x, ACT_CLEAN) : v_with_sign(y, x);
}

#endif
