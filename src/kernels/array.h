/* SPDX-License-Identifier: BSD-2-Clause */
/* array.h: sigmoid and tanh over arrays, one tier (tier.h). Their bodies are functions of their own, so that nothing of
 * theirs, such as a sanitizer's clearing of local arrays, comes after v_end. */
#include "activation.h"

GRU_INLINE void TIERED(sigmoid_some)(const size_t n, const float *x, float *y)
{
    vec a[ABREAST];
    EACH a[k] = v_load(x + k * LANES);
    TIERED(v_sigmoid)(n, a);
    EACH v_store(y + k * LANES, a[k]);
}

static GRU_NOINLINE void TIERED(sigmoid_all)(size_t count, const float *x, float *y)
{
    size_t i = 0;
    for (; i + ABREAST * LANES <= count; i += ABREAST * LANES)
        TIERED(sigmoid_some)(ABREAST, x + i, y + i);
    for (; i + LANES <= count; i += LANES)
        TIERED(sigmoid_some)(1, x + i, y + i);
    if (i < count) {
        vec a = v_load_part(x + i, count - i);
        TIERED(v_sigmoid)(1, &a);
        v_store_part(y + i, a, count - i);
    }
}

static void TIERED(sigmoid)(size_t count, const float *x, float *y)
{
    TIERED(sigmoid_all)(count, x, y);
    v_end();
}

GRU_INLINE void TIERED(tanh_some)(const size_t n, const float *x, float *y)
{
    vec a[ABREAST];
    EACH a[k] = v_load(x + k * LANES);
    TIERED(v_tanh)(n, ACT_NORMAL, a);
    EACH v_store(y + k * LANES, a[k]);
}

static GRU_NOINLINE void TIERED(tanh_all)(size_t count, const float *x, float *y)
{
    size_t i = 0;
    for (; i + ABREAST * LANES <= count; i += ABREAST * LANES)
        TIERED(tanh_some)(ABREAST, x + i, y + i);
    for (; i + LANES <= count; i += LANES)
        TIERED(tanh_some)(1, x + i, y + i);
    if (i < count) {
        vec a = v_load_part(x + i, count - i);
        TIERED(v_tanh)(1, ACT_NORMAL, &a);
        v_store_part(y + i, a, count - i);
    }
}

static void TIERED(tanh)(size_t count, const float *x, float *y)
{
    TIERED(tanh_all)(count, x, y);
    v_end();
}
