/* SPDX-License-Identifier: BSD-2-Clause */
/* sample.h: measures many cells, interleaved in random order, in quiet windows. */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include "bound.h"
#include "cell.h"
#include "stats.h"

#include <stdbool.h>
#include <stddef.h>

/* One repetition: a layer made afresh (other pages, other addresses), measured for a slice of time. */
struct repetition {
    double ns;     /* median of its quiet samples, or of all if none was quiet; a step */
    double calls;  /* timed */
    double cycles; /* core cycles a step, at the frequency just after */
    bool quiet;    /* there were samples in quiet windows that the system didn't interrupt */
};

enum { REPETITIONS_MAX = 64 };

struct measured {
    struct cell_spec spec;
    char *name;
    bool possible;
    char why[252]; /* if it isn't */
    size_t count;
    struct repetition repetition[REPETITIONS_MAX];

    /* The result: over the repetitions with quiet samples, if there are three, else over all. */
    double ns;
    struct interval interval; /* 95 %, of the median, free of any distribution; all of the range below 6 repetitions */
    double cycles;
    double peak, bandwidth; /* what plain loops got meanwhile, GFLOP/s and GB/s; 0: unknown */
    size_t used;
    bool noisy; /* fewer than three repetitions were quiet */
};

struct sample_settings {
    size_t repetitions; /* at first */
    double min_time;    /* seconds a cell, over the repetitions */
    double max_time;    /* seconds for everything; what is begun is ended */
    double interval;    /* wanted half-width, as a share; cells that miss it are repeated while time lasts */
    uint64_t seed;      /* of order, weights and inputs */
    bool meanwhile;     /* look what plain loops get between the samples */
    const char *title;  /* for the progress line */
};

/* A sample lasts at least so many ns: a thousand times the clock's resolution, shorter than the sibling's bursts. */
enum { SAMPLE_NS = 80000 };

/* ns of so many calls. */
double sample_calls(struct cell *cell, size_t calls);

void sample_cells(const struct library *library, const struct sample_settings *settings, struct measured *cells,
                  size_t count);

/* Median and interval of what a cell has so far. */
void sample_conclude(struct measured *cell);

/* ns an element of the library's sigmoid and tanh, in a few milliseconds. */
struct activation_cost sample_activations(const struct library *library, const char *backend, enum gru_tier tier);

#endif
