/* SPDX-License-Identifier: BSD-2-Clause */
/* gate.h: the end of one gate of its own: activation(clip(ax + ah)) over rows, one tier (tier.h). */
#include "activation.h"
#include "clean.h"
#include "limit.h"
#include "tiered.h"

GRU_INLINE void TIERED(v_activate)(const size_t n, const struct gru_gate_rows *g, vec *a)
{
    switch (g->activation) { /* not covered: there are four, and gate.c refuses a fifth */
    case GRU_ACTIVATION_SIGMOID:
        TIERED(v_sigmoid)(n, ACT_ARRAY, a);
        break;
    case GRU_ACTIVATION_TANH:
        TIERED(v_tanh)(n, ACT_ARRAY, a);
        break;
    case GRU_ACTIVATION_HARD_SIGMOID:
        EACH a[k] = v_hard_sigmoid(a[k], g->hard_alpha, g->hard_beta);
        break;
    case GRU_ACTIVATION_IDENTITY:
        return;
    }
    EACH a[k] = v_clean(a[k]);
}

/* `n` groups of one row. */
GRU_INLINE void TIERED(gate_some)(const size_t n, const struct gru_gate_rows *g, size_t row, size_t unit)
{
    const size_t at = row * g->a_row + unit;
    const float *first = g->ax ? g->ax : g->ah;
    float *out = g->out + (ptrdiff_t)row * g->out_row;
    vec a[ABREAST];
    EACH a[k] = v_load(first + at + k * LANES);
    if (g->ax && g->ah)
        EACH a[k] = v_add(a[k], v_load(g->ah + at + k * LANES));
    EACH a[k] = v_clip(a[k], g->clip);
    TIERED(v_activate)(n, g, a);
    EACH v_store_upto(out + unit + k * LANES, a[k], g->units - unit - k * LANES);
}

/* A function of its own, so that nothing of it comes after v_end. */
static GRU_NOINLINE void TIERED(gate_all)(const struct gru_gate_rows *g)
{
    for (size_t row = 0; row < g->rows; row++) {
        size_t unit = 0;
        for (; unit + ABREAST * LANES <= g->units; unit += ABREAST * LANES)
            TIERED(gate_some)(ABREAST, g, row, unit);
        for (; unit < g->units; unit += LANES)
            TIERED(gate_some)(1, g, row, unit);
    }
}

static void TIERED(gate)(const struct gru_gate_rows *g)
{
    TIERED(gate_all)(g);
    v_end();
}
