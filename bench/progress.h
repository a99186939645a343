/* SPDX-License-Identifier: BSD-2-Clause */
/* progress.h: one line on stderr with the estimated time left, on a terminal only. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stddef.h>

struct progress {
    const char *what;
    size_t total;
    size_t done;
    double start;
    double shown; /* when the line was last written */
    int terminal;
};

/* `total` steps are expected, of what takes about equally long: the estimate is in proportion. */
void progress_start(struct progress *progress, const char *what, size_t total);
void progress_step(struct progress *progress, const char *detail);
/* Where the share done is known better than by counting steps: 0 to 1. */
void progress_at(struct progress *progress, double share, const char *detail);
/* Takes the line away, so that the table starts on a clean one. */
void progress_end(struct progress *progress);

#endif
