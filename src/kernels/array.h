/* SPDX-License-Identifier: BSD-2-Clause */
/* array.h: sigmoid and tanh over arrays, one tier (tier.h). Their bodies are functions of their own, so that nothing of
 * theirs, such as a sanitizer's clearing of local arrays, comes after v_end. */
#include "activation.h"
#include "tiered.h"

#ifndef GRU_KERNELS_ARRAY
#define GRU_KERNELS_ARRAY

enum array_function { ARRAY_SIGMOID, ARRAY_TANH };

#endif

/* `f` is a constant at each call, so that the function is compiled in. */
GRU_INLINE void TIERED(array_vectors)(const enum array_function f, const size_t n, vec *a)
{
    if (f == ARRAY_SIGMOID)
        TIERED(v_sigmoid)(n, ACT_ARRAY, a);
    else
        TIERED(v_tanh)(n, ACT_ARRAY, a);
}

GRU_INLINE void TIERED(array_some)(const enum array_function f, const size_t n, const float *x, float *y)
{
    vec a[TANHS_ABREAST];
    EACH a[k] = v_load(x + k * LANES);
    TIERED(array_vectors)(f, n, a);
    EACH v_store(y + k * LANES, a[k]);
}

GRU_INLINE void TIERED(array_all)(const enum array_function f, size_t count, const float *x, float *y)
{
    size_t i = 0;
    for (; f == ARRAY_TANH && TANHS_ABREAST > ABREAST && i + TANHS_ABREAST * LANES <= count; i += TANHS_ABREAST * LANES)
        TIERED(array_some)(f, TANHS_ABREAST, x + i, y + i);
    for (; i + ABREAST * LANES <= count; i += ABREAST * LANES)
        TIERED(array_some)(f, ABREAST, x + i, y + i);
    for (; i + LANES <= count; i += LANES)
        TIERED(array_some)(f, 1, x + i, y + i);
    if (i < count) {
        vec a = v_load_part(x + i, count - i);
        TIERED(array_vectors)(f, 1, &a);
        v_store_part(y + i, a, count - i);
    }
}

static GRU_NOINLINE void TIERED(sigmoid_all)(size_t count, const float *x, float *y)
{
    TIERED(array_all)(ARRAY_SIGMOID, count, x, y);
}

static void TIERED(sigmoid)(size_t count, const float *x, float *y)
{
    TIERED(sigmoid_all)(count, x, y);
    v_end();
}

static GRU_NOINLINE void TIERED(tanh_all)(size_t count, const float *x, float *y)
{
    TIERED(array_all)(ARRAY_TANH, count, x, y);
}

static void TIERED(tanh)(size_t count, const float *x, float *y)
{
    TIERED(tanh_all)(count, x, y);
    v_end();
}
