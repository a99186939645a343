/* SPDX-License-Identifier: BSD-2-Clause */
/* crew.h: threads pinned to one CPU each that start a piece of work at the same moment. */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include <stddef.h>

enum { CREW_MAX = 256 };
struct crew;

/* `threads` includes the caller, which is thread 0. */
struct crew *crew_start(size_t threads);
void crew_stop(struct crew *crew);
size_t crew_threads(const struct crew *crew);

/* Runs work(argument, i) in each thread i, all starting within a fraction of a microsecond; returns when all are
 * done. */
void crew_run(struct crew *crew, void (*work)(void *argument, size_t thread), void *argument);

#endif
