/* SPDX-License-Identifier: BSD-2-Clause */
/* size.h: arithmetic on sizes and strides, which says when something doesn't fit instead of wrapping round. */
#ifndef GRU_SIZE_H
#define GRU_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Portable C rather than the compilers' overflow builtins: these run when objects are made and checked, never in a
 * step, so a division is of no account. `out` is written only if the answer is true.
 */
static inline bool gru_mul(size_t a, size_t b, size_t *out)
{
    if (a != 0 && b > SIZE_MAX / a)
        return false;
    *out = a * b;
    return true;
}

static inline bool gru_add(size_t a, size_t b, size_t *out)
{
    if (b > SIZE_MAX - a)
        return false;
    *out = a + b;
    return true;
}

static inline size_t gru_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t gru_most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Upwards to a multiple of `to`. The caller knows that there is room. */
static inline size_t gru_round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* How far apart a stride sets its elements, in whichever direction. */
static inline size_t gru_magnitude(ptrdiff_t stride)
{
    return stride < 0 ? 0 - (size_t)stride : (size_t)stride;
}

/*
 * The number of floats in an array of a x b x c, if such an array can exist. The limit is PTRDIFF_MAX bytes, not
 * SIZE_MAX: no C object is larger in practice, and below it each index and each stride is a valid ptrdiff_t.
 */
static inline bool gru_elements(size_t a, size_t b, size_t c, size_t *out)
{
    size_t product;
    if (!gru_mul(a, b, &product) || !gru_mul(product, c, &product) || product > (size_t)PTRDIFF_MAX / sizeof(float))
        return false;
    *out = product;
    return true;
}

/* Whether the farthest of `count` elements, `stride` apart, adds up with `reach` to an offset that can exist. */
static inline bool gru_add_reach(size_t *reach, size_t count, ptrdiff_t stride)
{
    size_t span;
    if (!gru_elements(count - 1, gru_magnitude(stride), 1, &span))
        return false;
    *reach += span; /* neither is more than an eighth of the address range, so that it can't wrap round */
    return *reach < (size_t)PTRDIFF_MAX / sizeof(float);
}

#endif
