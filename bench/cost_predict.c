/* SPDX-License-Identifier: BSD-2-Clause */
/* cost_predict.c: a step's time on a machine that is known by its limits alone. */
#include "cost.h"

#include <math.h>
#include <stdlib.h>

/*
 * The model. A layer's step computes and reads, and the two overlap in part:
 *
 *     time = (compute^p + read^p)^(1/p)
 *
 * compute: interpolated between the steps that the limits hold, in H and in the rows; beyond the largest of them each
 * group of units takes what one takes there, plus `link` for each further input. What I differs from H by is links too.
 * read: none if the weights fit in L1; else their bytes at the bandwidth of a set of that size, and, in batches, the
 * weights of a group once more for each further tile of rows, unless they stay in L1.
 *
 * Several threads cut a step as gru_plan_cut does. Slices of units share both the work and the weights. They meet four
 * times, to begin, after gathering and after multiplying x, and at the end, and hand over what they have claimed and
 * made: in all what 20 bare barriers take, which was fitted on single rows of H = 96 and 128 and fits those from 362 on
 * as well. Parts of rows share the work alone, each reads all the weights, and they meet twice, to begin and at the
 * end: half as many.
 *
 * p was fitted on a Cascade Lake: 1.3 for single rows, whose loads wait for the chains they feed, 1.5 for tiles; with
 * 1 or 2 the error is two to four times as great.
 */
static const double blend_row = 1.3;
static const double blend_batch = 1.5;
enum { TILE_ROWS = 4, BARRIERS_OF_SLICES = 20, BARRIERS_OF_PARTS = 10 };
/* Of src/plan.c: multiply-adds worth a slice and worth a part, the least rows of a part, weights that one cache holds.
 */
enum { WORTH_A_SLICE = 16384, WORTH_A_PART = 262144, LEAST_ROWS = 4, CACHED_WEIGHTS = 262144 };

static const struct limits_backend *backend_or_best(const struct limits *limits, const char *name)
{
    const struct limits_backend *backend = limits_backend(limits, name);
    return backend ? backend : &limits->backend[0];
}

static double groups_of(const struct limits_backend *backend, double hidden)
{
    return ceil(hidden / (double)backend->lanes);
}

/* ns for one more input of one group and row, where nothing but the FMA units binds. */
static double link_of(const struct limits_backend *backend)
{
    const struct limits_step *few = NULL, *many = NULL;
    for (size_t i = 0; i < backend->steps; i++) {
        const struct limits_step *step = &backend->step[i];
        if (step->batch == 16 && step->hidden == 16)
            few = step;
        if (step->batch == 16 && step->hidden == 64)
            many = step;
    }
    /* Three multiply-adds of whole vectors, two operations each, are what the peak would take. */
    if (!few || !many)
        return 6.0 * (double)backend->lanes / backend->peak_one;
    double slope = many->ns / (16.0 * groups_of(backend, 64.0)) - few->ns / (16.0 * groups_of(backend, 16.0));
    /* From 16 to 64 both x and h grow by 48. */
    return fmax(slope / 96.0, 0.0);
}

/* At a number of rows that the limits have. */
static double compute_at(const struct limits_backend *backend, double hidden, double input, size_t batch)
{
    const struct limits_step *below = NULL, *above = NULL;
    for (size_t i = 0; i < backend->steps; i++) {
        const struct limits_step *step = &backend->step[i];
        if (step->batch != batch)
            continue;
        if ((double)step->hidden <= hidden)
            below = step; /* they are in order */
        else if (!above)
            above = step;
    }
    double links = (double)batch * groups_of(backend, hidden) * link_of(backend);
    if (!below || (double)below->hidden == hidden || !above) {
        const struct limits_step *step = below ? below : above;
        double same = (double)step->hidden;
        return step->ns * groups_of(backend, hidden) / groups_of(backend, same) + links * (input + hidden - 2.0 * same);
    }
    /* A straight line in logarithms: between two sizes time goes by a power of H, the fixed cost lowering it. */
    double part = log(hidden / (double)below->hidden) / log((double)above->hidden / (double)below->hidden);
    return exp(log(below->ns) * (1.0 - part) + log(above->ns) * part) + links * (input - hidden);
}

static double compute_of(const struct limits_backend *backend, double hidden, double input, double batch)
{
    size_t below = 0, above = 0;
    for (size_t i = 0; i < backend->steps; i++) {
        size_t rows = backend->step[i].batch;
        if ((double)rows <= batch && rows > below)
            below = rows;
        if ((double)rows >= batch && (above == 0 || rows < above))
            above = rows;
    }
    /* At least a nanosecond: where I is much smaller than H, links subtracted could leave nothing of a tiny step. */
    double low = fmax(compute_at(backend, hidden, input, below), 1.0);
    if (above == 0)
        return low * batch / (double)below;
    double high = fmax(compute_at(backend, hidden, input, above), 1.0);
    if (above == below)
        return low;
    double part = log(batch / (double)below) / log((double)above / (double)below);
    return exp(log(low) * (1.0 - part) + log(high) * part);
}

/* How a layer's step is cut: into slices of units or into parts of rows, never both. */
struct cut {
    double slices, parts;
};

static struct cut cut_of(const struct limits *limits, const struct limits_backend *backend,
                         const struct cell_spec *spec, double hidden, double input)
{
    double most = fmin((double)spec->threads, (double)limits->threads);
    double rows = (double)spec->batch;
    double weights = 3.0 * hidden * hidden;
    double work = rows * 3.0 * hidden * (hidden + input);
    if (rows >= 2.0 * LEAST_ROWS && weights <= CACHED_WEIGHTS)
        return (struct cut){1.0, fmin(fmin(most, floor(rows / LEAST_ROWS)), floor(work / WORTH_A_PART) + 1.0)};
    return (struct cut){fmin(fmin(most, groups_of(backend, hidden)), floor(weights / WORTH_A_SLICE) + 1.0), 1.0};
}

/* Of `one` layer's bytes among those of the whole stack, which share the caches. limits_bandwidth() is told how many
 * bytes all threads have together, and gives what they read together. */
static double read_of(const struct limits *limits, const struct limits_backend *backend, const struct cell_spec *spec,
                      struct cut cut, double one, double inputs)
{
    double level1 = (double)limits->machine.cache[0];
    double all = cell_weight_bytes(spec);
    double threads = cut.slices * cut.parts;
    /* A quarter of L1 is for x, h, the sums and the stack. */
    if (all / cut.slices <= 0.75 * level1)
        return 0.0;
    double ns = cut.parts * one / limits_bandwidth(limits, backend, (size_t)threads, cut.parts * all);
    double group = 3.0 * inputs * (double)sizeof(float) * (double)backend->lanes;
    double tiles = ceil((double)spec->batch / cut.parts / TILE_ROWS);
    if (group > 0.75 * level1)
        ns += (tiles - 1.0) * cut.parts * one / limits_bandwidth(limits, backend, (size_t)threads, group * threads);
    return ns;
}

static double predict(const struct limits *limits, const struct cell_spec *spec)
{
    const struct limits_backend *backend = backend_or_best(limits, spec->backend);
    double sum = 0.0;
    for (size_t i = 0; i <= spec->deeper; i++) {
        double hidden = (double)cell_hidden(spec, i);
        double input = (double)cell_input(spec, i);
        double one = 3.0 * hidden * (input + hidden) * (double)sizeof(float);
        struct cut cut = cut_of(limits, backend, spec, hidden, input);
        double compute = compute_of(backend, hidden, input, (double)spec->batch / cut.parts) / cut.slices;
        double read = read_of(limits, backend, spec, cut, one, input + hidden);
        double p = spec->batch > 1 ? blend_batch : blend_row;
        sum += pow(pow(compute, p) + pow(read, p), 1.0 / p) +
               BARRIERS_OF_SLICES * limits_barrier(limits, (size_t)cut.slices) +
               BARRIERS_OF_PARTS * limits_barrier(limits, (size_t)cut.parts);
    }
    return sum;
}

void cost_must_have_steps(const struct limits *limits)
{
    for (size_t i = 0; i < limits->backends; i++) {
        bool single = false;
        for (size_t k = 0; k < limits->backend[i].steps; k++)
            single |= limits->backend[i].step[k].batch == 1;
        if (!single)
            fail("the limits of %s hold no steps of single rows on '%s', from which all is predicted; `grubench "
                 "limits` measures them",
                 limits->machine.cpu, limits->backend[i].name);
    }
}

void cost_predict(struct cost *cost)
{
    const struct limits *here = cost->report->limits;
    const struct limits *there = cost->target ? cost->target : here;
    /* Here too, since how well the model does can only be seen where times are known. */
    cost_must_have_steps(here);
    cost_must_have_steps(there);
    double errors[COST_ROWS_MAX];
    cost->error_count = 0;
    cost->error_worst = 0.0;
    for (size_t i = 0; i < cost->count; i++) {
        struct cost_row *row = &cost->rows[i];
        row->predicted = predict(there, &row->spec);
        if (row->noisy || !(row->ns > 0.0))
            continue;
        /* Twice as long and half as long are both 100 % off, whichever way the ratio is turned. */
        double error = expm1(fabs(log(predict(here, &row->spec) / row->ns)));
        errors[cost->error_count++] = error;
        cost->error_worst = fmax(cost->error_worst, error);
    }
    cost->error_median = cost->error_count ? stats_median(errors, cost->error_count) : 0.0;
}
