/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell.h: the gate block: from the two chains of a group of units of one row to its gates and its new state, one tier.
 *
 * `n` of them, a constant, go side by side: of neighbouring rows or of neighbouring groups. struct block says where
 * they stand. One of tier fast is 58 vector operations with AVX-512 on two ports, two of them divisions: 29 cycles for
 * 16 units if ports bound it, 38 measured (activation.md).
 */
#include "activation.h"
#include "blend.h"
#include "limit.h"
#include "tiered.h"

#ifndef GRU_KERNELS_BLOCK
#define GRU_KERNELS_BLOCK

struct block {
    size_t row, unit;           /* of the first */
    size_t row_step, unit_step; /* to the next: 1 and 0, or 0 and LANES */
    const float *ax, *ah;
    size_t ax_step, ah_step;
    const vec *ax_sums, *ah_sums; /* what ax and ah point to otherwise: sums that are still in registers */
    size_t ax_gates, ah_gates;    /* from one's sums to the next one's */
};

/* Which of the two it is, is known when this is compiled. */
GRU_INLINE vec block_ax(const struct block *b, size_t k, size_t gate)
{
    return b->ax_sums ? b->ax_sums[k * b->ax_gates + gate] : v_load(b->ax + k * b->ax_step + gate * LANES);
}

GRU_INLINE vec block_ah(const struct block *b, size_t k, size_t gate)
{
    return b->ah_sums ? b->ah_sums[k * b->ah_gates + gate] : v_load(b->ah + k * b->ah_step + gate * LANES);
}

/* Where the first vector stands in an array of states, and how far it is to the next. Each gate block asks once: asked
 * for each vector, the answer is made for each (up to 4 % of a small batch's time). */
GRU_INLINE size_t state_first(const struct gru_step *s, const struct block *b)
{
    return b->row * s->cell->h_row + b->unit;
}

GRU_INLINE size_t state_step(const struct gru_step *s, const struct block *b)
{
    return b->row_step * s->cell->h_row + b->unit_step;
}

/* Whether z's matrix stands apart, which only those of vectors as wide as a line do (stands_apart in shape.c), and then
 * whether a step reads it last, after the candidate's, or first. */
static inline int z_stands_apart(const struct gru_step *s)
{
    return (size_t)LANES >= GRU_LINE && s->cell->apart.gates;
}

static inline int z_comes_last(const struct gru_step *s)
{
    return z_stands_apart(s) && s->backward;
}

/* Vectors to rows of the caller's, of which exactly the layer's units may be touched. What `s` points to is read ahead
 * of the stores, which may change anything as far as the compiler knows. */
GRU_INLINE void give(const size_t n, const struct gru_step *s, const struct block *b, float *to,
                     const ptrdiff_t *offset, ptrdiff_t shift, const vec *a)
{
    const size_t units = s->cell->units;
    /* Numbers, since a pointer mustn't lie before the array on the way, as `to` and a shift of a reverse run may. */
    const uintptr_t first = (uintptr_t)to + ((size_t)shift + b->unit) * sizeof(float);
    float *row[ABREAST];
    offset += b->row;
    EACH row[k] = (float *)(first + ((size_t)offset[k * b->row_step] + k * b->unit_step) * sizeof(float));
    if (b->unit + (n - 1) * b->unit_step + LANES <= units)
        EACH v_store(row[k], a[k]);
    else
        EACH v_store_upto(row[k], a[k], units - b->unit - k * b->unit_step);
}

/* One gate where the caller asked to see it. */
GRU_INLINE void show(const size_t n, const struct gru_step *s, const struct block *b, int gate, const vec *a)
{
    if (s->gate_out[gate])
        give(n, s, b, s->gate_out[gate], s->gate_offset, s->gate_shift, a);
}

/* The new states added to what y holds. */
GRU_INLINE void add(const size_t n, const struct gru_step *s, const struct block *b, vec *h)
{
    EACH {
        const size_t unit = b->unit + k * b->unit_step;
        const float *y = s->y + (s->y_shift + s->y_offset[b->row + k * b->row_step] + (ptrdiff_t)unit);
        h[k] = v_add(v_load_upto(y, s->cell->units - unit), h[k]);
    }
}

/* The update, and the new state to wherever it is wanted. */
GRU_INLINE void finish(const size_t n, const struct gru_step *s, const struct block *b, const vec *z, const vec *c)
{
    const size_t first = state_first(s, b), step = state_step(s, b);
    const float *h_now = s->h + first;
    float *h_next = s->h_next + first; /* as above, ahead of the stores */
    vec h[ABREAST];
    EACH h[k] = v_load(h_now + k * step);
    if (s->cell->update == GRU_UPDATE_KEEP)
        EACH h[k] = v_clean(v_blend(GRU_UPDATE_KEEP, z[k], h[k], c[k]));
    else
        EACH h[k] = v_clean(v_blend(GRU_UPDATE_REPLACE, z[k], h[k], c[k]));
    EACH v_store(h_next + k * step, h[k]);
    show(n, s, b, GRU_N, c);
    if (!s->y)
        return;
    if (s->y_add)
        add(n, s, b, h);
    give(n, s, b, s->y, s->y_offset, s->y_shift, h);
}

/* Holds sums of one gate for cell_last. */
GRU_INLINE void cell_hold(const size_t n, const struct gru_step *s, const struct block *b)
{
    const size_t first = state_first(s, b), step = state_step(s, b);
    EACH v_store(s->z + first + k * step, block_ah(b, k, 0));
}

#endif

/* r or z from its sum. */
GRU_INLINE void TIERED(v_gate_of)(const size_t n, const struct gru_step *s, vec *a)
{
    if (s->cell->clips)
        EACH a[k] = v_clip(a[k], s->cell->clip);
    if (s->cell->gates == GRU_GATES_HARD_SIGMOID) {
        EACH a[k] = v_clean(v_hard_sigmoid(a[k], s->cell->hard_alpha, s->cell->hard_beta));
        return;
    }
    TIERED(v_sigmoid)(n, ACT_LAYER, a);
    if (TIERED(sigmoid_tiny))
        EACH a[k] = v_clean(a[k]);
}

/* The same from its two sums. */
GRU_INLINE void TIERED(v_gate)(const size_t n, const struct gru_step *s, const struct block *b, size_t gate, vec *a)
{
    EACH a[k] = v_add(block_ax(b, k, gate), block_ah(b, k, gate));
    TIERED(v_gate_of)(n, s, a);
}

/* tanh gives what is clean. */
GRU_INLINE void TIERED(v_candidate)(const size_t n, const struct gru_step *s, vec *a)
{
    if (s->cell->clips)
        EACH a[k] = v_clip(a[k], s->cell->clip);
    TIERED(v_tanh)(n, ACT_LAYER, a);
}

/* Reset after: ax and ah are r, z, n. The divisions of r go on while z is computed, and those of z beside n. */
GRU_INLINE void TIERED(cell_after)(const size_t n, const struct gru_step *s, const struct block *b)
{
    vec r[ABREAST], z[ABREAST], c[ABREAST];
    TIERED(v_gate)(n, s, b, 0, r);
    TIERED(v_gate)(n, s, b, 1, z);
    show(n, s, b, GRU_R, r);
    show(n, s, b, GRU_Z, z);
    EACH c[k] = v_fma(r[k], block_ah(b, k, 2), block_ax(b, k, 2));
    TIERED(v_candidate)(n, s, c);
    finish(n, s, b, z, c);
}

/* No reset: ax and ah are z, n. */
GRU_INLINE void TIERED(cell_none)(const size_t n, const struct gru_step *s, const struct block *b)
{
    vec z[ABREAST], c[ABREAST];
    TIERED(v_gate)(n, s, b, 0, z);
    show(n, s, b, GRU_Z, z);
    EACH c[k] = v_add(block_ax(b, k, 1), block_ah(b, k, 1));
    TIERED(v_candidate)(n, s, c);
    finish(n, s, b, z, c);
}

/* Reset before, first half: ah is r, z, or r where z's matrix stands apart, and ax is r, z, n. */
GRU_INLINE void TIERED(cell_reset)(const size_t n, const struct gru_step *s, const struct block *b)
{
    const size_t first = state_first(s, b), step = state_step(s, b);
    vec r[ABREAST], z[ABREAST];
    TIERED(v_gate)(n, s, b, 0, r);
    show(n, s, b, GRU_R, r);
    EACH v_store(s->s + first + k * step, v_clean(v_mul(r[k], v_load(s->h + first + k * step))));
    if (z_stands_apart(s))
        return;
    TIERED(v_gate)(n, s, b, 1, z);
    EACH v_store(s->z + first + k * step, z[k]);
    show(n, s, b, GRU_Z, z);
}

/* Second half: ah is n, the chain over s. */
GRU_INLINE void TIERED(cell_before)(const size_t n, const struct gru_step *s, const struct block *b)
{
    const size_t first = state_first(s, b), step = state_step(s, b);
    vec z[ABREAST], c[ABREAST];
    EACH c[k] = v_add(block_ax(b, k, 2), block_ah(b, k, 0));
    TIERED(v_candidate)(n, s, c);
    EACH z[k] = v_load(s->z + first + k * step);
    finish(n, s, b, z, c);
}

/* Second half where z's matrix stands apart: ah is z or n, whichever comes last, and the other one's sums were held. */
GRU_INLINE void TIERED(cell_last)(const size_t n, const struct gru_step *s, const struct block *b)
{
    const size_t first = state_first(s, b), step = state_step(s, b);
    const int z_last = z_comes_last(s);
    vec z[ABREAST], c[ABREAST];
    EACH {
        const vec sum = block_ah(b, k, 0), held = v_load(s->z + first + k * step);
        z[k] = v_add(block_ax(b, k, 1), z_last ? sum : held);
        c[k] = v_add(block_ax(b, k, 2), z_last ? held : sum);
    }
    TIERED(v_gate_of)(n, s, z);
    show(n, s, b, GRU_Z, z);
    TIERED(v_candidate)(n, s, c);
    finish(n, s, b, z, c);
}
