/* SPDX-License-Identifier: BSD-2-Clause */
/* ways.h: which ways a layer's steps go, of those that the kernels know. */
#ifndef GRU_WAYS_H
#define GRU_WAYS_H

struct gru_layer;

/* Chooses them for a layer whose matrices have their places. None changes a bit of any result. */
void gru_ways_choose(struct gru_layer *layer);

#endif
