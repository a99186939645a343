/* SPDX-License-Identifier: BSD-2-Clause */
/* cost.c: `grubench cost`: measures a list of sizes and says what each costs. */
#include "cost.h"

#include "bench.h"
#include "clock.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

/* What is asked on the command line. */
struct request {
    struct word_list sizes;
    struct size_list batch;
    struct size_list threads;
    const char *backend;
    const char *limits;
    const char *predict;
    const char *cells;
    const char *csv;
    const char *json;
    const char *html;
    double min_time;
    double max_time;
    bool quick;
    bool to_stdout; /* one of the files, so that no table may stand before it */
    struct cost_settings settings;
};

/* Sizes asked for, or the presets and a sweep of H; each with every batch and thread count. */
static void add_rows(struct cost *cost, const struct request *request, const char *backend)
{
    /* Two sizes an octave: of three cache levels each lies between a size that fits and one that doesn't. */
    static const char *const sweep[] = {"8x8",     "16x16",     "24x24",     "32x32",    "48x48",   "64x64",
                                        "96x96",   "128x128",   "192x192",   "256x256",  "384x384", "512x512",
                                        "768x768", "1024x1024", "1536x1536", "2048x2048"};
    /* Up to 512: the larger ones take most of the time, and memory's bandwidth tells what they do. */
    size_t sweep_count = request->quick ? 12 : sizeof sweep / sizeof *sweep;
    for (size_t b = 0; b < request->batch.count; b++)
        for (size_t t = 0; t < request->threads.count; t++) {
            struct cell_spec spec = {.batch = request->batch.at[b], .threads = request->threads.at[t], .steps = 1};
            snprintf(spec.backend, sizeof spec.backend, "%s", backend);
            for (size_t i = 0; i < request->sizes.count; i++)
                cost_add(cost, request->sizes.text[i], spec);
            if (request->sizes.count)
                continue;
            cost_add_presets(cost, spec);
            for (size_t i = 0; i < sweep_count; i++)
                cost_add(cost, sweep[i], spec);
        }
}

static void measure(struct cost *cost, struct report *report, struct limits *limits, const struct request *request)
{
    struct sample_settings settings = {.repetitions = 6,
                                       .min_time = request->min_time,
                                       .max_time = request->max_time,
                                       .interval = 0.03,
                                       .seed = 1,
                                       .title = "cost"};
    struct measured *cells = take(cost->count, sizeof *cells);
    for (size_t i = 0; i < cost->count; i++) {
        cells[i].spec = cost->rows[i].spec;
        cells[i].name = cell_name(&cells[i].spec);
    }
    double start = clock_seconds();
    sample_cells(&library_linked, &settings, cells, cost->count);
    /* Before any bound is taken, so that all shares are of the same limits. */
    report->seconds = clock_seconds() - start;
    report->raised += speed_raise(limits, cells, cost->count);
    for (size_t i = 0; i < cost->count; i++) {
        struct cost_row *row = &cost->rows[i];
        if (!cells[i].possible)
            fail("%s: %s", row->name, cells[i].why);
        row->ns = cells[i].ns;
        row->noisy = cells[i].noisy;
        row->bound = report_bound(report, &row->spec);
        free(cells[i].name);
    }
    free(cells);
}

/* Cells of another run are drawn against these limits, so they may raise them too. */
static size_t raise_by_file(struct limits *limits, const struct filed_report *filed)
{
    size_t raised = 0;
    for (size_t i = 0; i < filed->count; i++) {
        const struct filed_cell *cell = &filed->cells[i];
        raised += bound_raise(limits, &cell->spec, filed_median(cell));
    }
    return raised;
}

static bool is_stdout(const char *file)
{
    return file && strcmp(file, "-") == 0;
}

static void read_request(struct request *request, int argc, char **argv)
{
    const struct option options[] = {
        {"sizes", OPTION_WORDS, &request->sizes,
         "IxH, IxHxLAYERS, IxH+H2, or presets: sensor keyword speech text translation", NULL, 0, 0},
        {"batch", OPTION_SIZES, &request->batch, "streams that take a step together (1)", NULL, 1, 65536},
        {"threads", OPTION_SIZES, &request->threads, "threads of the library's team (1)", NULL, 1, 256},
        {"backend", OPTION_TEXT, &request->backend, "the back end; the best by default", NULL, 0, 0},
        {"rate", OPTION_NUMBER, &request->settings.rate, "steps a second of one stream", NULL, 1e-3, 1e9},
        {"price", OPTION_NUMBER, &request->settings.price, "of a core for an hour", NULL, 0, 1e9},
        {"limits", OPTION_TEXT, &request->limits, "limits of this machine from a file", NULL, 0, 0},
        {"predict", OPTION_TEXT, &request->predict, "limits of another machine: estimate the same for it", NULL, 0, 0},
        {"cells", OPTION_TEXT, &request->cells, "cells of `speed --json`, drawn on the page too", NULL, 0, 0},
        {"min-time", OPTION_NUMBER, &request->min_time, "seconds a size (0.2, quick 0.05)", NULL, 1e-3, 1e4},
        {"max-time", OPTION_NUMBER, &request->max_time, "seconds, then none is begun (60, quick 8)", NULL, 0.1, 1e6},
        {"quick", OPTION_FLAG, &request->quick, "fewer sizes and less time", NULL, 0, 0},
        {"csv", OPTION_TEXT, &request->csv, "write the table as CSV to a file", NULL, 0, 0},
        {"json", OPTION_TEXT, &request->json, "write the table as JSON to a file", NULL, 0, 0},
        {"html", OPTION_TEXT, &request->html, "write one page with plots to a file", NULL, 0, 0},
    };
    const struct command_line line = {"cost [options]",
                                      "What each size of a GRU costs on this machine.",
                                      options,
                                      sizeof options / sizeof *options,
                                      0,
                                      0};
    options_parse(&line, argc, argv, NULL);
    request->to_stdout = is_stdout(request->csv) || is_stdout(request->json) || is_stdout(request->html);
    whole_check((const char *const[]){request->csv, request->json, request->html}, 3);
}

int cost_main(int argc, char **argv)
{
    struct request request = {.batch = {1, {1}}, .threads = {1, {1}}};
    read_request(&request, argc, argv);
    /* What isn't given; --quick changes nothing that is. */
    if (!(request.min_time > 0.0))
        request.min_time = request.quick ? 0.05 : 0.2;
    if (!(request.max_time > 0.0))
        request.max_time = request.quick ? 8.0 : 60.0;
    const gru_backend *backend;
    gru_error why;
    if (gru_backend_find(&backend, request.backend, &why) != GRU_OK)
        fail("%s", why.text);
    /* Static: large for a stack, and zero to begin with. */
    static struct limits limits, target;
    static struct cost cost;
    cost.settings = request.settings;
    add_rows(&cost, &request, gru_backend_name(backend));
    if (request.predict) {
        limits_read_file(&target, request.predict);
        cost_must_have_steps(&target);
        cost.target = &target;
    }
    static struct filed_report cells;
    if (request.cells) {
        report_read(&cells, request.cells);
        cost.cells = &cells;
    }
    if (request.limits) {
        limits_read_here(&limits, request.limits, gru_backend_name(backend));
        cost_must_have_steps(&limits);
    }

    bench_start();
    if (!request.limits) {
        limits_measure(&limits, request.quick, gru_backend_name(backend), 0.0);
        limits_measure_steps(&limits, request.quick);
    }
    struct report report = {.limits = &limits};
    cost.report = &report;
    speed_activations(&report);
    report.raised = raise_by_file(&limits, &cells);
    measure(&cost, &report, &limits, &request);
    cost_predict(&cost);
    if (!request.to_stdout)
        cost_table(&cost);
    if (request.csv)
        cost_csv(&cost, request.csv);
    if (request.json)
        cost_json(&cost, request.json);
    if (request.html)
        cost_page(&cost, request.html);
    report_release(&cells);
    return 0;
}
