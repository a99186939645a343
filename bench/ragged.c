/* SPDX-License-Identifier: BSD-2-Clause */
/* ragged.c: `grubench ragged`: a batch of rows of different lengths, beside what steps of as many rows as are alive take,
 * interleaved in one run. */
#include "bench.h"
#include "clock.h"
#include "options.h"
#include "progress.h"
#include "quiet.h"
#include "sample.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 256 };

/* Runs of the one layer: of so many whole rows, or of all of them with their lengths. */
struct run {
    size_t rows;
    const size_t *lengths;
    size_t steps; /* of the ragged run that have so many rows */
    size_t calls;
    struct samples ns; /* a call */
};

struct request {
    struct size_list hidden;
    struct size_list batch;
    struct word_list backend;
    size_t steps;
    size_t seed;
    double seconds; /* of a cell */
};

/* Every length from 1 to all steps is as likely; the first row has all, so that the call has as many steps as the
 * whole ones. */
static void draw_lengths(size_t *lengths, const struct cell_spec *spec, struct random *random)
{
    for (size_t row = 0; row < spec->batch; row++)
        lengths[row] = row == 0 ? spec->steps : 1 + random_below(random, spec->steps);
}

static size_t alive_at(const size_t *lengths, size_t rows, size_t step)
{
    size_t alive = 0;
    for (size_t row = 0; row < rows; row++)
        alive += lengths[row] > step;
    return alive;
}

static double run_calls(struct cell *cell, const struct run *run)
{
    cell->io.rows = run->rows;
    cell->io.lengths = run->lengths;
    return sample_calls(cell, run->calls);
}

static void sample(struct cell *cell, struct run *run)
{
    run_calls(cell, run); /* brings its rows into the caches */
    bool quiet = quiet_now();
    double ns = run_calls(cell, run) / (double)run->calls;
    quiet = quiet_now() && quiet;
    samples_add(&run->ns, ns, quiet);
}

/* One run for each number of rows that are ever alive, and the ragged one at [0]. */
static size_t make_runs(struct run *runs, struct cell *cell, const size_t *lengths)
{
    const struct cell_spec *spec = &cell->spec;
    size_t steps[ROWS_MAX + 1] = {0};
    for (size_t step = 0; step < spec->steps; step++)
        steps[alive_at(lengths, spec->batch, step)]++;
    size_t count = 0;
    runs[count++] = (struct run){.rows = spec->batch, .lengths = lengths, .calls = 1};
    for (size_t rows = 1; rows <= spec->batch; rows++)
        if (steps[rows])
            runs[count++] = (struct run){.rows = rows, .steps = steps[rows], .calls = 1};
    for (size_t i = 0; i < count; i++)
        while (run_calls(cell, &runs[i]) < SAMPLE_NS && runs[i].calls < 1u << 16)
            runs[i].calls *= 2;
    return count;
}

/* ns that the ragged call would take if each of its steps took what a step of as many whole rows does. */
static double expected(struct run *runs, size_t count, size_t steps)
{
    double sum = 0.0;
    for (size_t i = 1; i < count; i++)
        sum += samples_median(&runs[i].ns) * (double)runs[i].steps / (double)steps;
    return sum;
}

static void measure(const struct request *request, struct cell_spec spec, struct progress *progress)
{
    struct random random = {request->seed + spec.hidden * 1000 + spec.batch};
    struct cell cell;
    gru_error why = {.text = ""};
    cell_must_fit(&spec);
    if (!cell_open(&cell, &library_linked, &spec, &random, &why))
        fail("%s: %s", cell_label(&spec), why.text);
    size_t *lengths = take(spec.batch, sizeof *lengths), order[ROWS_MAX + 1];
    struct run *runs = take(spec.batch + 1, sizeof *runs);
    draw_lengths(lengths, &spec, &random);
    const size_t count = make_runs(runs, &cell, lengths);
    double start = clock_seconds();
    /* Three rounds at least, whatever the time. */
    for (size_t round = 0; round < STATS_SAMPLES && (round < 3 || clock_seconds() - start < request->seconds);
         round++) {
        for (size_t i = 0; i < count; i++)
            order[i] = i;
        random_shuffle(&random, order, count);
        for (size_t i = 0; i < count; i++)
            sample(&cell, &runs[order[i]]);
    }
    progress_step(progress, cell_label(&spec));
    double sum = expected(runs, count, spec.steps), ragged = samples_median(&runs[0].ns);
    size_t all = 0;
    for (size_t row = 0; row < spec.batch; row++)
        all += lengths[row];
    printf("%6zu %4zu  %9zu %9.1f us %9.1f us %7.3f%s\n", spec.hidden, spec.batch, all, sum * 1e-3, ragged * 1e-3,
           ragged / sum, runs[0].ns.quiet < 5 ? "  (never quiet)" : "");
    free(runs);
    free(lengths);
    cell_close(&cell);
}

static void read_request(struct request *request, int argc, char **argv)
{
    const struct option options[] = {
        {"hidden", OPTION_SIZES, &request->hidden, "hidden sizes H = I (64,128,256,512)", NULL, 1, 16384},
        {"batch", OPTION_SIZES, &request->batch, "rows B (4,16,64)", NULL, 1, ROWS_MAX},
        {"steps", OPTION_SIZE, &request->steps, "steps of the longest row (50)", NULL, 2, 1e6},
        {"backend", OPTION_WORDS, &request->backend, "one back end; the best one by default", NULL, 0, 0},
        {"max-time", OPTION_NUMBER, &request->seconds, "seconds a cell (2)", NULL, 0.01, 1e5},
        {"seed", OPTION_SIZE, &request->seed, "of lengths, order and values (1)", NULL, 0, 1e15},
    };
    const struct command_line line = {
        "ragged [options]",
        "A batch of rows of different lengths, each length from 1 to T as likely, beside the "
        "sum over its steps of\nwhat a step of as many whole rows takes.",
        options,
        sizeof options / sizeof *options,
        0,
        0};
    options_parse(&line, argc, argv, NULL);
    if (request->backend.count > 1)
        fail("--backend: one at a time");
    if (!request->hidden.count)
        request->hidden = (struct size_list){4, {64, 128, 256, 512}};
    if (!request->batch.count)
        request->batch = (struct size_list){3, {4, 16, 64}};
}

int ragged_main(int argc, char **argv)
{
    struct request request = {.steps = 50, .seed = 1, .seconds = 2.0};
    read_request(&request, argc, argv);
    bench_start();
    const gru_backend *backend;
    gru_error why = {.text = ""};
    if (gru_backend_find(&backend, request.backend.count ? request.backend.text[0] : NULL, &why) != GRU_OK)
        fail("%s", why.text);
    struct progress progress;
    progress_start(&progress, "ragged", request.hidden.count * request.batch.count);
    machine_print(stdout, machine_this());
    printf("Back end %s, T = %zu, one thread, reset after; medians of quiet samples\n\n"
           "     H    B  row steps  whole steps       ragged   ratio\n",
           gru_backend_name(backend), request.steps);
    for (size_t h = 0; h < request.hidden.count; h++)
        for (size_t b = 0; b < request.batch.count; b++) {
            struct cell_spec spec = {.path = PATH_BATCH,
                                     .input = request.hidden.at[h],
                                     .hidden = request.hidden.at[h],
                                     .batch = request.batch.at[b],
                                     .steps = request.steps,
                                     .threads = 1};
            snprintf(spec.backend, sizeof spec.backend, "%s", gru_backend_name(backend));
            measure(&request, spec, &progress);
        }
    progress_end(&progress);
    printf("\n%.0f %% of the probes quiet\n", 100.0 * quiet_share());
    return 0;
}
