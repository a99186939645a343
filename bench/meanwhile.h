/* SPDX-License-Identifier: BSD-2-Clause */
/* meanwhile.h: what plain loops get of the machine in the moments between a cell's samples.
 *
 * `limits` finds what the machine gives when it gives most. On a shared one that may be a third more than it gives during
 * most of a run, since whoever shares a cache's bandwidth isn't seen by the probe for a busy sibling; a cell's samples and
 * these loops have the same neighbours. */
#ifndef BENCH_MEANWHILE_H
#define BENCH_MEANWHILE_H

#include "cell.h"
#include "stats.h"

#include <stdbool.h>
#include <stddef.h>

/* 1, 2, 4 and 8 streams, by loads alone and by multiply-adds, with and without prefetching (where all is in the second
 * cache, without): the best of them is what the machine gave. */
enum { MEANWHILE_WAYS = 16 };

struct meanwhile {
    size_t turn;                         /* the way of the next look */
    struct samples peak;                 /* GFLOP/s */
    struct samples read[MEANWHILE_WAYS]; /* GB/s */
};

/* Whether there is something to look at: weights, one thread, warm caches. */
bool meanwhile_fits(const struct cell_spec *spec);

/* Looks for so many ns, at least once, which takes some 100 us; it leaves weights of its own in the caches. */
void meanwhile_look(struct meanwhile *meanwhile, const struct cell_spec *spec, bool quiet, double ns);

/* Medians, of quiet looks if there were enough. 0: not every way had three turns. */
double meanwhile_peak(struct meanwhile *meanwhile);
double meanwhile_bandwidth(struct meanwhile *meanwhile);

#endif
