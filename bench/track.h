/* SPDX-License-Identifier: BSD-2-Clause */
/* track.h: the step in a series of runs, and the page that draws histories. */
#ifndef BENCH_TRACK_H
#define BENCH_TRACK_H

#include "history.h"

struct track_step {
    size_t at; /* the first entry after it; 0: there is none */
    double ratio;
    double p;
};

/*
 * The one step that explains a series best: the split with the greatest sum of squares between its sides' mean
 * logarithms, judged by the rank test, whose p is multiplied by the number of splits tried. None, if p is above 5 % or
 * the step below 2 %.
 */
struct track_step track_find_step(const double *log_ns, size_t n);

/* One self-contained HTML page: each family's times on one machine, run by run, with the step that was found. */
void track_page(const struct history *history, const char *machine, const char *file);

#endif
