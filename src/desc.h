/* SPDX-License-Identifier: BSD-2-Clause */
/* desc.h: reads and checks what a caller says of a layer: its description and its weights. */
#ifndef GRU_DESC_H
#define GRU_DESC_H

#include <gru.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads a description of any version, checks each field, and makes it canonical: defaults are filled in, and fields
 * that mean nothing in this variant are zero, so that two descriptions of the same layer are equal. The back end is
 * copied as it is.
 *
 * What a good answer promises the rest of the library: 3 * directions * H * (I + H) floats are an array that can exist,
 * so no index into a layer's weights or biases can overflow. Padding is the packer's to check.
 */
enum gru_status gru_desc_read(gru_desc *to, const gru_desc *from, gru_error *error);

/* An enum of a description as a number, beside the last value that this version knows. */
struct gru_enum_field {
    const char *name;
    unsigned value, last;
};

/* Whether all are known, the message naming the first that isn't with `of` before it. */
enum gru_status gru_enums_check(const char *of, const struct gru_enum_field *fields, size_t count, gru_error *error);

/* The numbers that a layer's and a gate's description have in common: whether they can be, the message naming each with
 * `of` before it; and made canonical. */
enum gru_status gru_numbers_check(const char *of, float clip, float hard_alpha, float hard_beta, gru_error *error);
void gru_numbers_default(float *clip, float *hard_alpha, float *hard_beta);

/* Checks one view against a description that gru_desc_read has accepted: that exactly the arrays are there that the
 * description announces, and that their strides stay within memory's address range. Messages call the view `name`. */
enum gru_status gru_weights_check(const gru_weights *weights, const gru_desc *desc, const char *name, gru_error *error);

/* Reads and checks as many views as the description has directions. The caller's array is stepped through by the
 * size that its first view states, which isn't ours if the caller is of another version. */
enum gru_status gru_weights_read(gru_weights to[2], const gru_weights *from, const gru_desc *desc, gru_error *error);

/* How the public header calls the gates and the kinds of bias, for messages. */
extern const char *const gru_gate_names[3];
extern const char *const gru_bias_names[5];

/* Whether a gate exists, and whether its two sums start from a bias. */
static inline bool gru_has_gate(const gru_desc *desc, size_t gate)
{
    return gate != GRU_R || desc->reset != GRU_RESET_NONE;
}

static inline bool gru_has_bx(const gru_desc *desc, size_t gate)
{
    bool inside = desc->bias == GRU_BIAS_ONE_INSIDE && gate == GRU_N;
    return gru_has_gate(desc, gate) && desc->bias != GRU_BIAS_NONE && !inside;
}

static inline bool gru_has_bh(const gru_desc *desc, size_t gate)
{
    bool candidate = desc->bias == GRU_BIAS_ONE_INSIDE || desc->bias == GRU_BIAS_FOUR;
    return gru_has_gate(desc, gate) && (desc->bias == GRU_BIAS_SIX || (candidate && gate == GRU_N));
}

static inline size_t gru_directions(const gru_desc *desc)
{
    return desc->direction == GRU_BIDIRECTIONAL ? 2 : 1;
}

#endif
