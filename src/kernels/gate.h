/* SPDX-License-Identifier: BSD-2-Clause */
/* gate.h: the end of one gate of its own: activation(clip(ax + ah)) over rows, one tier (tier.h). */
#include "clean.h"
#include "limit.h"

static inline vec TIERED(v_activate)(enum gru_activation activation, vec a, float alpha, float beta)
{
    switch (activation) {
    case GRU_ACTIVATION_SIGMOID:
        return v_clean(TIERED(v_sigmoid)(a));
    case GRU_ACTIVATION_TANH:
        return v_clean(TIERED(v_tanh)(a));
    case GRU_ACTIVATION_HARD_SIGMOID:
        return v_clean(v_hard_sigmoid(a, alpha, beta));
    case GRU_ACTIVATION_IDENTITY:
        break;
    }
    return a;
}

static void TIERED(gate)(const struct gru_gate_rows *g)
{
    for (size_t row = 0; row < g->rows; row++) {
        float *out = g->out + (ptrdiff_t)row * g->out_row;
        for (size_t unit = 0; unit < g->units; unit += LANES) {
            size_t at = row * g->a_row + unit;
            vec a = g->ax ? v_load(g->ax + at) : v_load(g->ah + at);
            if (g->ax && g->ah)
                a = v_add(a, v_load(g->ah + at));
            a = TIERED(v_activate)(g->activation, v_clip(a, g->clip), g->hard_alpha, g->hard_beta);
            v_store_upto(out + unit, a, g->units - unit);
        }
    }
    v_end();
}
