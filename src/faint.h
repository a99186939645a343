/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faint.h: rows so small, under weights so small, that no result shows what their products are.
 *
 * Cleaned numbers have normal products, but sums of such products may cancel to subnormal values, with which x86 takes
 * up to 30 times as long. That is likely only where a matrix has no weight of 2^-28 or more. In such a layer, a row
 * whose products all add up to no more than about 2^-90 is faint, and counts as zeros:
 *
 *     a chain       that starts at a bias, 2^-62 or more, stays there: a quarter of a unit in its last place is 2^-87 or
 *                   more. One that starts at +0 ends at some e of no more than about 2^-89; with zeros it ends at +0.
 *     v = a + e     is a if |a| >= 2^-63, as a quarter of a unit in its last place is 2^-88 or more. Else |v| < 2^-62, and
 *                   so it is with zeros: sigmoid makes 0.5 of either, and tanh something that is read as +0.
 *     fma(r, e, a)  the same of the recurrent product where the reset comes after.
 *     fma(r, a, e)  the same of the input's where |r * a| < 2^-63. Else r * a, which isn't rounded before, may lie
 *                   halfway between two numbers, or so near to that place that e reaches it. So there, where no bias
 *                   starts e, each step of a faint x looks at its units, and makes the chains of x after all if one of
 *                   them is such. With r and a of 24 bits that is rare: beside the smallest r * a that counts, once in
 *                   2^8 units with the largest e, whose products hardly ever cancel to anything subnormal, and less
 *                   often with less. With an a of few bits, a bias inside the reset that was rounded to 0.75 or to
 *                   bf16, it isn't.
 *
 * No bit of any result depends on it. What it leaves: such an a; weights that are small in some units only; numbers of
 * very different sizes within one row; s, where the reset comes before and almost shuts beside a louder state; and the
 * one product in 2^36 or so that another cancels to the last bit.
 */
#ifndef GRU_FAINT_H
#define GRU_FAINT_H

#include "layer.h"

/* What the products of a faint row add up to at most, and of a faint row that must be looked at. */
#define GRU_FAINT_SUM 0x1p-90f
#define GRU_FAINT_LOOK 0x1p-96f

/* The largest magnitude of the numbers of a row whose products with this matrix add up to `sum` at most; 0: there are
 * none but zeros. */
float gru_faint_limit(const struct gru_product *product, size_t lanes, float sum);

/* Whether a hard sigmoid makes beta of all that is below 2^-62. */
int gru_faint_hard(float alpha, float beta);

/* Makes zeros of those of `rows` cleaned rows of `width` that are faint. */
void gru_faint_clear(float *to, size_t to_row, size_t rows, size_t width, float limit);

/* Finds the limits of a layer that has been packed, and makes all ready for its faint rows. */
void gru_faint_prepare(struct gru_layer *layer);

/* The chains over rows of cleaned x to ax, but for rows that gru_faint_steps looks at; those that count as zeros become
 * zeros. With ax NULL the steps make the chains. */
void gru_faint_input(const struct gru_layer *layer, const struct gru_half *half, size_t rows, float *x, float *ax);

/* As the kernel `steps`, but faint rows take no part in the products. A step reads its rows of x too, and may write to
 * its rows of ax. */
void gru_faint_steps(const struct gru_layer *layer, const struct gru_half *half, struct gru_step *now, size_t count,
                     const float *x);

/* The lone step of a layer with faint rows, its gru_lone.run. */
void gru_faint_lone(const struct gru_lone *lone, char *workspace, const gru_io *io);

#endif
