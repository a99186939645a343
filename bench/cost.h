/* SPDX-License-Identifier: BSD-2-Clause */
/* cost.h: `grubench cost`: which GRU can I afford on this CPU? */
#ifndef BENCH_COST_H
#define BENCH_COST_H

#include "report.h"

enum { COST_ROWS_MAX = 256 };

/* What is asked beyond the sizes. */
struct cost_settings {
    double rate;  /* steps a second that a stream needs */
    double price; /* of a core for an hour, in any currency; 0: not asked */
};

struct cost_row {
    char name[64];
    struct cell_spec spec;
    double rate; /* the preset's own, or the settings' */
    double ns;   /* measured, a step of the whole batch; 0 if it wasn't */
    bool noisy;
    struct bound bound;
    double predicted; /* ns; 0 without a prediction */
};

struct cost {
    struct cost_settings settings;
    const struct report *report;      /* of the machine that the rows were measured on */
    const struct limits *target;      /* of the machine predicted for; NULL if none */
    const struct filed_report *cells; /* of `speed --json`, for the page; NULL if none */
    size_t count;
    struct cost_row rows[COST_ROWS_MAX];
    double error_median; /* of the prediction from this machine's limits, as a share, over rows that were quiet */
    double error_worst;
    size_t error_count;
};

/* Adds a row: "IxH", "IxHxLAYERS", "IxH+H2+H3", or a preset's name; mistakes fail with one line. */
void cost_add(struct cost *cost, const char *size, struct cell_spec defaults);
void cost_add_presets(struct cost *cost, struct cell_spec defaults);

/* What the row costs, from ns a step of its whole batch. */
double cost_steps_a_second_core(const struct cost_row *row, double ns); /* rows' steps, a core */
double cost_streams_a_core(const struct cost_row *row, double ns);
/* Time needed to time there is: above 1 is too slow. */
double cost_realtime_factor(const struct cost_row *row, double ns);
/* For a million steps of one stream. */
double cost_core_seconds(const struct cost_row *row, double ns);
double cost_of_million(const struct cost *cost, const struct cost_row *row, double ns);

/* H from which I = H, fp32 weights leave a cache of so many bytes. */
double cost_leaves(size_t cache);

/* Fails if limits were read from a file that lacks what a prediction needs. */
void cost_must_have_steps(const struct limits *limits);

/* Predicts each row from the limits alone, of the target if there is one, and finds the error of that on this
 * machine. */
void cost_predict(struct cost *cost);

/* How well the prediction fits where the times are known, in a sentence. */
void cost_print_error(FILE *out, const struct cost *cost);
void cost_table(const struct cost *cost);
void cost_csv(const struct cost *cost, const char *file);
void cost_json(const struct cost *cost, const char *file);
void cost_page(const struct cost *cost, const char *file);

/* The page's plots, each one SVG; `points` are the rows and the cells of --cells. */
struct cost_point {
    const struct cell_spec *spec;
    double ns;
    struct bound bound;
};
struct cost_points {
    size_t count;
    struct cost_point *point;
};
struct svg;
void cost_plot_time(struct svg *svg, const struct cost *cost, const struct cost_points *points);
void cost_plot_roofline(struct svg *svg, const struct cost *cost, const struct cost_points *points);
void cost_plot_shares(struct svg *svg, const struct cost_points *points);
/* How many rows the last one has, of 24 units each. */
size_t cost_series(const struct cost_points *points);

#endif
