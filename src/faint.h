/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faint.h: rows so small, under weights so small, that no result shows what their products are.
 *
 * Cleaned numbers have normal products, but sums of such products may cancel to subnormal values, with which x86 takes
 * up to 30 times as long. That takes a matrix whose weights are all below 2^-28. In such a layer, a row whose products
 * all add up to less than 2^-90 is faint, and counts as zeros:
 *
 *     a chain       that starts at a bias, 2^-62 or more, stays there: half a unit in its last place is 2^-87 or more.
 *                   One that starts at +0 ends at some e of less than 2^-89; with zeros it ends at +0.
 *     v = a + e     is a if |a| >= 2^-63, as quarter a unit in its last place is 2^-88 or more. Else |v| < 2^-62, and so
 *                   it is with zeros: sigmoid makes 0.5 of either, and tanh something that is read as +0.
 *     fma(r, e, a)  the same of the recurrent product where the reset comes after.
 *     fma(r, a, e)  the same of the input's only if a is zero, as r * a isn't rounded before, and may lie halfway between
 *                   two numbers. So there a faint x counts as zeros if each unit's e starts at a bias, and is none; or if
 *                   no a starts at one, and the row's h is faint.
 *
 * No bit of any result depends on it. What it leaves: where the reset comes after, a faint x beside a louder h or
 * beside biases inside the reset; and weights that are small in some units only.
 */
#ifndef GRU_FAINT_H
#define GRU_FAINT_H

#include "layer.h"

/* The largest magnitude of a faint row's numbers under this matrix; 0: no row is ever faint. */
float gru_faint_limit(const struct gru_product *product, size_t lanes);

/* Whether no number of a row is larger than its limit, or NaN. The row needn't be clean. */
int gru_is_faint(const float *row, size_t count, float limit);

/* Whether a hard sigmoid makes beta of all that is below 2^-62. */
int gru_faint_hard(float alpha, float beta);

/* Makes zeros of those of `rows` cleaned rows of `width` that are faint. */
void gru_faint_clear(float *to, size_t to_row, size_t rows, size_t width, float limit);

/* Finds the limits of a layer that has been packed, and makes all ready for its faint rows. */
void gru_faint_prepare(struct gru_layer *layer);

/* As the kernel `steps`, but faint states take no part in the recurrent product. */
void gru_faint_steps(const struct gru_layer *layer, const struct gru_half *half, struct gru_step *now, size_t count);

/* The lone step of a layer with faint rows, its gru_lone.run. */
void gru_faint_stream(const struct gru_lone *lone, char *workspace, const float *x, const float *h0, float *y,
                      float *h_out);

#endif
