/* SPDX-License-Identifier: BSD-2-Clause */
/* phases.h: work in phases that wait for one another, each cut into slices that run side by side. */
#ifndef GRU_PHASES_H
#define GRU_PHASES_H

#include <gru.h>

/* Does slice `slice` of phase `phase`. It may run in any thread of the pool, and must not wait for another slice. */
typedef void gru_phase_work(void *context, size_t phase, size_t slice);

/* How many bytes of `state` gru_phases_run needs. */
size_t gru_phases_bytes(size_t slices);

/*
 * Calls work(context, p, s) once for each phase p = 0 .. phases - 1 and each slice s = 0 .. slices - 1. All slices of a
 * phase are complete, and what they wrote is visible, before any slice of the next one begins and before the function
 * returns. Both counts may be zero.
 *
 * With a pool, slice s stays with task s % min(threads, slices) as long as that task is there in time, so cut the
 * work into as many slices as the pool has threads. A slice whose task has not begun, or has lost its CPU between two
 * phases, is done by another task or by the caller: whichever tasks the pool runs, late, in any order, one at a time or
 * not at all, the run ends, and with the same calls of `work`. Only a task that loses its CPU inside a slice holds
 * the others up. Without a pool (NULL), with one thread or with one slice it is a plain loop.
 *
 * `state` is gru_phases_bytes(slices) bytes of memory aligned to 64, with any content; it is not used in a plain loop.
 *
 * System calls: none in a plain loop, and none in a team of libgru's own that has no more threads than the CPUs that
 * the process could use when the team was created (what the team itself calls is in team.c). With any other pool, a
 * task that waits for a slice which another task is running may call sched_yield after 4,096 looks (40 to 250 us on
 * x86), and goes on calling it until that slice is done.
 */
void gru_phases_run(const gru_pool *pool, size_t phases, size_t slices, gru_phase_work *work, void *context,
                    void *state);

#endif
