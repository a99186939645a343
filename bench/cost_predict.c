/* SPDX-License-Identifier: BSD-2-Clause */
/* cost_predict.c: a step's time on a machine that is known by its limits alone. */
#include "cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * The model: a step takes its limit there, plus its activations, plus what a call costs, times an inefficiency that depends
 * on what binds. Activations run on the FMA units, so their cost here is scaled by the two FMA peaks; a call's cost by
 * the two frequencies. The inefficiency is the median of (measured) / (sum) over the rows measured here that bind
 * alike, or over all rows if none does.
 */
static const double call_ns = 60.0;

static const struct limits_backend *backend_or_best(const struct limits *limits, const char *name)
{
    const struct limits_backend *backend = limits_backend(limits, name);
    return backend ? backend : &limits->backend[0];
}

static struct activation_cost activations_here(const struct cost *cost, const char *backend)
{
    for (size_t i = 0; i < cost->report->limits->backends; i++)
        if (strcmp(cost->report->limits->backend[i].name, backend) == 0)
            return cost->report->activations[i];
    return (struct activation_cost){0.0, 0.0};
}

static double sum_at(const struct cost *cost, const struct limits *limits, const struct cost_row *row)
{
    const struct limits_backend *here = backend_or_best(cost->report->limits, row->spec.backend);
    const struct limits_backend *there = backend_or_best(limits, row->spec.backend);
    struct activation_cost activations = activations_here(cost, here->name);
    double scale = here->peak_one / there->peak_one;
    activations.sigmoid *= scale;
    activations.tanh *= scale;
    double units = 0.0;
    for (size_t i = 0; i <= row->spec.deeper; i++)
        units += (double)cell_hidden(&row->spec, i);
    double elements = (double)row->spec.batch * units / (double)row->spec.threads;
    struct bound bound = bound_of(limits, there, &activations, &row->spec);
    return bound.ns + elements * (2.0 * activations.sigmoid + activations.tanh) +
           call_ns * here->ghz / there->ghz / (double)row->spec.steps;
}

/* The inefficiency of rows that bind as `row` does, from all rows but that one. */
static double inefficiency(const struct cost *cost, const double *ratio, size_t row)
{
    double alike[COST_ROWS_MAX], all[COST_ROWS_MAX];
    size_t n = 0, any = 0;
    for (size_t i = 0; i < cost->count; i++) {
        if (i == row || ratio[i] <= 0.0)
            continue;
        all[any++] = ratio[i];
        if (strcmp(cost->rows[i].bound.binds, cost->rows[row].bound.binds) == 0)
            alike[n++] = ratio[i];
    }
    return n >= 2 ? stats_median(alike, n) : any ? stats_median(all, any) : 1.0;
}

void cost_predict(struct cost *cost)
{
    double ratio[COST_ROWS_MAX];
    double errors[COST_ROWS_MAX];
    for (size_t i = 0; i < cost->count; i++)
        ratio[i] = cost->rows[i].ns / sum_at(cost, cost->report->limits, &cost->rows[i]);
    cost->error_count = 0;
    cost->error_worst = 0.0;
    for (size_t i = 0; i < cost->count; i++) {
        struct cost_row *row = &cost->rows[i];
        double factor = inefficiency(cost, ratio, i);
        if (row->ns > 0.0) {
            double here = factor * sum_at(cost, cost->report->limits, row);
            double error = fabs(log(here / row->ns));
            errors[cost->error_count++] = expm1(error);
            cost->error_worst = fmax(cost->error_worst, expm1(error));
        }
        row->predicted = factor * sum_at(cost, cost->target ? cost->target : cost->report->limits, row);
    }
    cost->error_median = cost->error_count ? stats_median(errors, cost->error_count) : 0.0;
}
