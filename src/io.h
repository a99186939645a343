/* SPDX-License-Identifier: BSD-2-Clause */
/* io.h: what the caller says of a run, read and checked. */
#ifndef GRU_IO_H
#define GRU_IO_H

#include "layer.h"

/*
 * The caller's io if it is of this version, else a copy in `room`; NULL with an error if it can't be read.
 */
const gru_io *gru_io_read(const gru_io *io, gru_io *room, enum gru_status *status, gru_error *error);

/* Checks all that a whole run has in common, whatever layers it goes through: x of the first, y of the last. */
enum gru_status gru_io_check(const struct gru_layer *first, const struct gru_layer *last, const gru_io *io,
                             gru_error *error);

/* Checks one layer's states and gates. */
enum gru_status gru_state_check(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                                gru_error *error);

#endif
