/* SPDX-License-Identifier: BSD-2-Clause */
/* speed.c: `grubench speed`: the grid, measured, as a table and as JSON. */
#include "bench.h"
#include "clock.h"
#include "grid.h"
#include "report.h"
#include "runs.h"

#include <stdlib.h>
#include <string.h>

/* The limits from a file, if one is given, else measured now, for the back ends that the cells use. */
static void find_limits(struct limits *limits, const char *file, bool quick, const struct cell_spec *cells,
                        size_t count)
{
    if (file) {
        for (size_t i = 0; i < count; i++)
            if (!limits->backends || !limits_backend(limits, cells[i].backend))
                limits_read_here(limits, file, cells[i].backend);
        return;
    }
    const char *only = cells[0].backend;
    for (size_t i = 1; i < count; i++)
        if (only && strcmp(only, cells[i].backend) != 0)
            only = NULL;
    limits_measure(limits, quick, only, 0.0);
}

struct measured *speed_prepare(const struct cell_spec *specs, size_t count)
{
    struct measured *cells = take(count, sizeof *cells);
    for (size_t i = 0; i < count; i++) {
        cells[i].spec = specs[i];
        cells[i].name = cell_name(&specs[i]);
    }
    return cells;
}

size_t speed_raise(struct limits *limits, const struct measured *cells, size_t count)
{
    size_t raised = 0;
    for (size_t i = 0; i < count; i++) {
        if (cells[i].count)
            raised += bound_raise(limits, &cells[i].spec, cells[i].ns);
    }
    return raised;
}

void speed_activations(struct report *report)
{
    for (size_t i = 0; i < report->limits->backends; i++)
        report->activations[i] = sample_activations(&library_linked, report->limits->backend[i].name, GRU_TIER_FAST);
}

/* What is asked on the command line. */
struct request {
    struct grid grid;
    struct sample_settings settings;
    const char *json;
    const char *limits;
    size_t runs;
};

static void read_request(struct request *request, int argc, char **argv)
{
    struct sample_settings *settings = &request->settings;
    size_t seed = settings->seed;
    double percent = 100.0 * settings->interval;
    struct option options[GRID_OPTIONS + 9];
    grid_options(&request->grid, options);
    const struct option own[] = {
        {"quick", OPTION_FLAG, &request->grid.quick, "a small grid in a few seconds", NULL, 0, 0},
        {"min-time", OPTION_NUMBER, &settings->min_time, "seconds a cell (0.2, quick 0.1)", NULL, 1e-3, 1e4},
        {"max-time", OPTION_NUMBER, &settings->max_time, "seconds after which no more is begun (240)", NULL, 0.1, 1e6},
        {"interval", OPTION_NUMBER, &percent, "wanted half-width of the 95 % interval, in percent (2)", NULL, 0.1, 100},
        {"repetitions", OPTION_SIZE, &settings->repetitions, "layers made afresh a cell (6)", NULL, 1, REPETITIONS_MAX},
        {"runs", OPTION_SIZE, &request->runs, "process runs, one after another, into one file (1)", NULL, 1, RUNS_MAX},
        {"limits", OPTION_TEXT, &request->limits, "limits of this machine from a file, not measured", NULL, 0, 0},
        {"seed", OPTION_SIZE, &seed, "of the order and the weights (1)", NULL, 0, 1e15},
        {"json", OPTION_TEXT, &request->json, "write Google Benchmark's format to a file (- is stdout)", NULL, 0, 0},
    };
    memcpy(options + GRID_OPTIONS, own, sizeof own);
    const struct command_line line = {"speed [options]",
                                      "Measures libgru over a grid of sizes against the machine's limits.",
                                      options,
                                      GRID_OPTIONS + sizeof own / sizeof *own,
                                      0,
                                      0};
    options_parse(&line, argc, argv, NULL);
    settings->seed = seed;
    settings->interval = percent / 100.0;
    /* A quick run has time for six placements of a cell only if each is short, and they say more than long slices. */
    if (!(settings->min_time > 0.0))
        settings->min_time = request->grid.quick ? 0.1 : 0.2;
    if (request->runs > 1 && !request->json)
        fail("--runs needs --json FILE");
}

static void measure(const struct request *request, const struct cell_spec *specs, size_t count)
{
    static struct limits limits;
    bench_start();
    find_limits(&limits, request->limits, request->grid.quick, specs, count);
    struct report report = {.limits = &limits, .seed = request->settings.seed};
    speed_activations(&report);
    struct measured *cells = speed_prepare(specs, count);
    double start = clock_seconds();
    sample_cells(&library_linked, &request->settings, cells, count);
    report.seconds = clock_seconds() - start;
    report.raised = speed_raise(&limits, cells, count);

    if (!request->json || strcmp(request->json, "-") != 0) {
        machine_print(stdout, &limits.machine);
        report_table(&report, cells, count);
    }
    if (request->json) {
        cJSON *json = report_json(&report, cells, count);
        json_write(json, request->json);
        cJSON_Delete(json);
    }
    for (size_t i = 0; i < count; i++)
        free(cells[i].name);
    free(cells);
}

int speed_main(int argc, char **argv)
{
    struct request request = {
        .settings =
            {.repetitions = 6, .max_time = 240.0, .interval = 0.02, .seed = 1, .meanwhile = true, .title = "speed"},
        .runs = 1};
    read_request(&request, argc, argv);
    size_t count;
    struct cell_spec *specs = grid_cells(&request.grid, &library_linked, &count);
    int status = 0;
    whole_check(&request.json, 1);
    if (request.runs > 1)
        status = runs_main(argc, argv, request.runs, request.settings.seed, request.json);
    else
        measure(&request, specs, count);
    free(specs);
    return status;
}
