/* SPDX-License-Identifier: BSD-2-Clause */
/* wave.h: layers that go side by side, each some chunks behind those below. */
#ifndef GRU_WAVE_H
#define GRU_WAVE_H

#include <gru.h>

/* Takes a layer through a chunk. It may run in any thread of the pool, and must not wait for another call. */
typedef void gru_wave_work(void *context, size_t layer, size_t chunk);

/* How many bytes of `state` gru_wave_run needs. */
size_t gru_wave_bytes(size_t layers);

/*
 * Calls work(context, i, c) once for each layer i = 0 .. layers - 1 and each chunk c = 0 .. chunks - 1. Before that
 * call, these have returned, and what they wrote is visible:
 *
 *     (i, c - 1)        the layer's chunk before, whose last state it goes on from
 *     (i - 1, c)        the same chunk of each layer right below, whose outputs it reads
 *     (i + 1, c - 2)    the chunk before last of the layer above: between two layers there is room for two chunks
 *
 * The lowest layers, 0 .. lowest - 1, stand side by side: none has any below it, and layer `lowest` has all of them.
 * `lowest` is at least 1, and less than `layers` if that isn't 1.
 *
 * With a pool, as many go side by side as there are threads, but no more than there are layers. Which task does what is
 * left to the moment, but a task looks at a layer of its own first, so that weights mostly stay in a core's cache: the
 * caller's at the highest. Whichever tasks the pool runs, late, in any order, one at a time or not at all, the run
 * ends; a task waits only for calls that others are in, and may call sched_yield then as gru_phases_run does
 * (phases.h). Without a pool it is a plain loop over the chunks, of all layers each.
 *
 * `state` is gru_wave_bytes(layers) bytes of memory aligned to 64, with any content; it is not used in a plain loop.
 */
void gru_wave_run(const gru_pool *pool, size_t lowest, size_t layers, size_t chunks, gru_wave_work *work, void *context,
                  void *state);

#endif
