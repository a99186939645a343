/* SPDX-License-Identifier: BSD-2-Clause */
/* cell.h: the gate block: from the two chains of one group of units of one row to its gates and its new state, one tier. */
#include "blend.h"
#include "limit.h"

/* The activation of r and z, as it enters products. */
static inline vec TIERED(v_gate)(const struct gru_step *s, vec a)
{
    a = v_clip(a, s->cell->clip);
    if (s->cell->gates == GRU_GATES_HARD_SIGMOID)
        return v_clean(v_hard_sigmoid(a, s->cell->hard_alpha, s->cell->hard_beta));
    return v_clean(TIERED(v_sigmoid)(a));
}

static inline vec TIERED(v_candidate)(const struct gru_step *s, vec a)
{
    return v_clean(TIERED(v_tanh)(v_clip(a, s->cell->clip)));
}

/* One gate where the caller asked to see it. */
static inline void TIERED(show)(const struct gru_step *s, int gate, size_t row, size_t unit, vec a)
{
    if (s->gate_out[gate]) {
        float *out = s->gate_out[gate] + s->gate_offset[row] + s->gate_shift;
        v_store_upto(out + unit, a, s->cell->units - unit);
    }
}

/* The update, and the new state to wherever it is wanted. */
static inline void TIERED(finish)(const struct gru_step *s, size_t row, size_t unit, vec z, vec n)
{
    size_t at = row * s->cell->h_row + unit;
    vec h = v_clean(v_blend(s->cell->update, z, v_load(s->h + at), n));
    v_store(s->h_next + at, h);
    TIERED(show)(s, GRU_N, row, unit, n);
    if (s->y) {
        float *y = s->y + s->y_offset[row] + s->y_shift + unit;
        size_t lanes = s->cell->units - unit;
        v_store_upto(y, s->y_add ? v_add(v_load_upto(y, lanes), h) : h, lanes);
    }
}

/* Reset after: ax and ah are r, z, n. */
static inline void TIERED(cell_after)(const struct gru_step *s, size_t row, size_t unit, const float *ax,
                                      const float *ah)
{
    vec r = TIERED(v_gate)(s, v_add(v_load(ax), v_load(ah)));
    vec z = TIERED(v_gate)(s, v_add(v_load(ax + LANES), v_load(ah + LANES)));
    vec n = TIERED(v_candidate)(s, v_fma(r, v_load(ah + 2 * LANES), v_load(ax + 2 * LANES)));
    TIERED(show)(s, GRU_R, row, unit, r);
    TIERED(show)(s, GRU_Z, row, unit, z);
    TIERED(finish)(s, row, unit, z, n);
}

/* No reset: ax and ah are z, n. */
static inline void TIERED(cell_none)(const struct gru_step *s, size_t row, size_t unit, const float *ax,
                                     const float *ah)
{
    vec z = TIERED(v_gate)(s, v_add(v_load(ax), v_load(ah)));
    vec n = TIERED(v_candidate)(s, v_add(v_load(ax + LANES), v_load(ah + LANES)));
    TIERED(show)(s, GRU_Z, row, unit, z);
    TIERED(finish)(s, row, unit, z, n);
}

/* Reset before, first half: ax is r, z, n and ah r, z. */
static inline void TIERED(cell_reset)(const struct gru_step *s, size_t row, size_t unit, const float *ax,
                                      const float *ah)
{
    size_t at = row * s->cell->h_row + unit;
    vec r = TIERED(v_gate)(s, v_add(v_load(ax), v_load(ah)));
    vec z = TIERED(v_gate)(s, v_add(v_load(ax + LANES), v_load(ah + LANES)));
    v_store(s->s + at, v_clean(v_mul(r, v_load(s->h + at))));
    v_store(s->z + at, z);
    TIERED(show)(s, GRU_R, row, unit, r);
    TIERED(show)(s, GRU_Z, row, unit, z);
}

/* Second half: ah is n, the chain over s. */
static inline void TIERED(cell_before)(const struct gru_step *s, size_t row, size_t unit, const float *ax,
                                       const float *ah)
{
    vec n = TIERED(v_candidate)(s, v_add(v_load(ax + 2 * LANES), v_load(ah)));
    TIERED(finish)(s, row, unit, v_load(s->z + row * s->cell->h_row + unit), n);
}
