/* SPDX-License-Identifier: BSD-2-Clause */
/* direction.h: one direction of a run. */
#ifndef GRU_DIRECTION_H
#define GRU_DIRECTION_H

#include "sequence.h"

/* Turns to a direction: its weights, where its rows stand in x, y and the gates, and what all its steps have in
 * common. */
void gru_direction_set(struct gru_sequence *q, size_t direction);

/* Zeros where its y and gates stand past a row's length. */
void gru_direction_clear(const struct gru_sequence *q);

#endif
