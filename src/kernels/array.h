/* SPDX-License-Identifier: BSD-2-Clause */
/* array.h: sigmoid and tanh over arrays, one tier (tier.h). */
#include "activation.h"

static void TIERED(sigmoid)(size_t count, const float *x, float *y)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(y + i, TIERED(v_sigmoid)(v_load(x + i)));
    if (i < count)
        v_store_part(y + i, TIERED(v_sigmoid)(v_load_part(x + i, count - i)), count - i);
    v_end();
}

static void TIERED(tanh)(size_t count, const float *x, float *y)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(y + i, TIERED(v_tanh)(v_load(x + i)));
    if (i < count)
        v_store_part(y + i, TIERED(v_tanh)(v_load_part(x + i, count - i)), count - i);
    v_end();
}
