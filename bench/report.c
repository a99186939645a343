/* SPDX-License-Identifier: BSD-2-Clause */
/* report.c: measured cells as a table and in Google Benchmark's JSON format. */
#include "report.h"

#include "clock.h"
#include "quiet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct bound report_bound(const struct report *report, const struct cell_spec *spec)
{
    for (size_t i = 0; i < report->limits->backends; i++)
        if (strcmp(report->limits->backend[i].name, spec->backend) == 0)
            return bound_of(report->limits, &report->limits->backend[i], &report->activations[i], spec);
    return (struct bound){.binds = "unknown"};
}

/* "0.095 us": a step's time with its unit. */
static const char *time_text(double ns)
{
    static char text[4][32]; /* one printf takes two of them */
    static size_t turn;
    char *buffer = text[turn++ % 4];
    const char *unit = ns < 999.5 ? "ns" : ns < 999500.0 ? "us" : "ms";
    double scale = ns < 999.5 ? 1.0 : ns < 999500.0 ? 1e-3 : 1e-6;
    snprintf(buffer, 32, "%s %s", number_text(ns * scale), unit);
    return buffer;
}

static void print_group(const struct cell_spec *spec)
{
    printf("\n%s, back end %s, %zu thread%s, weights %s, tier %s", path_names[spec->path], spec->backend, spec->threads,
           spec->threads == 1 ? "" : "s", weight_names[spec->weights], tier_names[spec->tier]);
    if (path_is_layer(spec->path))
        printf(", reset %s, T = %zu", reset_names[spec->reset], spec->steps);
    if (spec->deeper)
        printf(", %zu layers", spec->deeper + 1);
    if (spec->gates != GRU_GATES_SIGMOID)
        printf(", %s sigmoids", gates_names[spec->gates]);
    if (spec->direction != GRU_FORWARD)
        printf(", %s", spec->direction == GRU_BIDIRECTIONAL ? "both directions" : direction_names[spec->direction]);
    if (spec->pause)
        printf(", each call after %zu us of sleep", spec->pause);
    printf("%s\n  %5s %5s %4s  %10s %7s  %8s %8s  %10s %6s %6s %6s  %s\n", spec->cold ? ", caches cold" : "", "H", "I",
           "B", path_is_layer(spec->path) ? "a step" : "a call", "+-", "GFLOP/s", "GB/s", "limit", "share", "fed",
           "now", "binds");
}

/* A rate, where there is something to be counted: an array function has no weights. */
static const char *rate_text(double rate)
{
    return rate > 0.0 ? number_text(rate) : "-";
}

/* "97%", or a dash where there is no limit to be a share of. */
static const char *share_text(double limit_ns, double ns)
{
    static char text[4][16]; /* one printf takes three of them */
    static size_t turn;
    char *buffer = text[turn++ % 4];
    if (!(limit_ns > 0.0))
        return "-";
    snprintf(buffer, 16, "%.0f%%", 100.0 * limit_ns / ns);
    return buffer;
}

/* What print_group says in its heading; sizes are the lines below it. */
static bool same_group(const struct cell_spec *a, const struct cell_spec *b)
{
    return a->path == b->path && strcmp(a->backend, b->backend) == 0 && a->threads == b->threads &&
           a->weights == b->weights && a->tier == b->tier && a->reset == b->reset && a->gates == b->gates &&
           a->direction == b->direction && a->cold == b->cold && a->pause == b->pause && a->deeper == b->deeper;
}

/* The limit by what plain loops got between the cell's samples; 0: unknown. */
static double limit_meanwhile(const struct measured *cell)
{
    return cell->bandwidth > 0.0 ? bound_at(&cell->spec, cell->peak, cell->bandwidth) : 0.0;
}

static void print_cell(const struct report *report, const struct measured *cell)
{
    const struct cell_spec *spec = &cell->spec;
    printf("  %5zu %5zu %4zu  ", spec->hidden, spec->input, spec->batch);
    if (!cell->possible) {
        printf("%s\n", cell->why);
        return;
    }
    if (cell->used == 0) {
        printf("not measured: no time was left\n");
        return;
    }
    struct bound bound = report_bound(report, spec);
    /* One number for an interval that needn't lie evenly about its median: what is wanted of it is its width. */
    double half = 0.5 * (cell->interval.high - cell->interval.low) / cell->ns;
    printf("%10s %6.1f%%  %8s %8s  %10s %6s %6s %6s  %s%s\n", time_text(cell->ns), 100.0 * half,
           rate_text(cell_operations(spec) / cell->ns), rate_text(cell_weight_bytes(spec) / cell->ns),
           time_text(bound.ns), share_text(bound.ns, cell->ns), share_text(bound.fed_ns, cell->ns),
           share_text(limit_meanwhile(cell), cell->ns), bound.binds, cell->noisy ? "  (never quiet)" : "");
}

/* Cells of one group stand together, though the axes' order has their resets and threads side by side. */
void report_table(const struct report *report, const struct measured *cells, size_t count)
{
    bool *printed = take(count, sizeof *printed);
    for (size_t i = 0; i < count; i++) {
        if (printed[i])
            continue;
        print_group(&cells[i].spec);
        for (size_t k = i; k < count; k++) {
            if (printed[k] || !same_group(&cells[i].spec, &cells[k].spec))
                continue;
            print_cell(report, &cells[k]);
            printed[k] = true;
        }
    }
    free(printed);
    printf("\n+-: half of the 95 %% interval of the median over layers made afresh.\n"
           "share: of the limit with weights read by loads alone; fed: by multiply-adds, at the frequency for those;\n"
           "now: of what plain loops, the best of sixteen, did with as many bytes and operations between the cell's "
           "samples.\n"
           "Measured in %.0f s, %.0f %% of the probes quiet.\n",
           report->seconds, 100.0 * quiet_share());
    report_print_raised(stdout, report);
}

void report_print_raised(FILE *out, const struct report *report)
{
    if (report->raised)
        fprintf(out, "%zu cells read faster than `limits` had found possible; the limits were raised to them.\n",
                report->raised);
}

/* The keys up to library_build_type are Google Benchmark's, whose compare.py wants some of them; the others are what
 * tells whether two files may be compared at all, and what every share in this one was divided by. */
static void put_context(cJSON *json, const struct report *report)
{
    cJSON *context = json_put_object(json, "context");
    char text[256];
    time_t now = time(NULL);
    struct tm local;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", localtime_r(&now, &local));
    json_put_text(context, "date", text);
    if (gethostname(text, sizeof text) != 0)
        snprintf(text, sizeof text, "unknown");
    json_put_text(context, "host_name", text);
    json_put_text(context, "executable", "grubench");
    const struct machine *machine = &report->limits->machine;
    json_put_number(context, "num_cpus", (double)machine->cpus);
    json_put_number(context, "mhz_per_cpu", round(1000.0 * clock_core_ghz()));
    /* Time stamps don't scale, and Google's tools would only warn; `cycles` has the frequency of the moment. */
    cJSON_AddBoolToObject(context, "cpu_scaling_enabled", 0);
    cJSON *caches = json_put_array(context, "caches");
    for (int level = 1; level <= 3; level++) {
        cJSON *cache = json_append_object(caches);
        json_put_text(cache, "type", level == 1 ? "Data" : "Unified");
        json_put_number(cache, "level", level);
        json_put_number(cache, "size", (double)machine->cache[level - 1]);
        json_put_number(cache, "num_sharing", 1);
    }
    json_put_text(context, "library_build_type", "release");
    json_put_text(context, "libgru_version", gru_version());
    json_put_number(context, "libgru_arithmetic", gru_arithmetic());
    const char *commit = getenv("GRUBENCH_COMMIT");
    json_put_text(context, "libgru_commit", commit ? commit : "");
    json_put_number(context, "grubench", 1);
    /* As a text: JSON's numbers are doubles, which don't hold every seed. */
    snprintf(text, sizeof text, "%llu", (unsigned long long)report->seed);
    json_put_text(context, "seed", text);
    json_put_number(context, "quiet_share", quiet_share());
    json_put_number(context, "quiet_level", quiet_level());
    machine_to_json(context, "machine", machine);
    limits_to_json(json_put_object(context, "limits"), report->limits);
}

/*
 * A repetition, as Google Benchmark has it: real_time and cpu_time are ns of one iteration, of which it says how many
 * there were. An iteration is a step, so that cells of other T compare. Its tools take numbers that they don't know for
 * counters and texts for labels; `name` alone tells cells apart, so all axes are in it. `run` is the process run, which
 * compare.c counts by, and which `speed --runs` fills in afterwards.
 */
static cJSON *put_entry(cJSON *benchmarks, const struct report *report, const struct measured *cell, size_t index)
{
    const struct cell_spec *spec = &cell->spec;
    const struct repetition *repetition = &cell->repetition[index];
    struct bound bound = report_bound(report, spec);
    cJSON *entry = json_append_object(benchmarks);
    json_put_text(entry, "name", cell->name);
    json_put_text(entry, "run_name", cell->name);
    json_put_text(entry, "run_type", "iteration");
    json_put_number(entry, "repetitions", (double)cell->count);
    json_put_number(entry, "repetition_index", (double)index);
    json_put_number(entry, "threads", (double)spec->threads);
    json_put_number(entry, "iterations", repetition->calls * (double)spec->steps);
    json_put_number(entry, "real_time", repetition->ns);
    /* Each thread of a team works or spins until the step is over. */
    json_put_number(entry, "cpu_time", repetition->ns * (double)spec->threads);
    json_put_text(entry, "time_unit", "ns");
    json_put_number(entry, "ns_per_step", repetition->ns);
    json_put_number(entry, "gflops", cell_operations(spec) / repetition->ns);
    json_put_number(entry, "weight_gbytes", cell_weight_bytes(spec) / repetition->ns);
    json_put_number(entry, "limit_ns", bound.ns);
    json_put_number(entry, "limit_share", bound.ns / repetition->ns);
    json_put_number(entry, "fed_limit_ns", bound.fed_ns);
    json_put_number(entry, "meanwhile_limit_ns", limit_meanwhile(cell));
    json_put_number(entry, "cycles", repetition->cycles);
    json_put_number(entry, "quiet", repetition->quiet);
    json_put_number(entry, "run", 0);
    json_put_text(entry, "binds", bound.binds);
    json_put_text(entry, "path", path_names[spec->path]);
    json_put_number(entry, "hidden", (double)spec->hidden);
    json_put_number(entry, "layers", (double)spec->deeper + 1.0);
    json_put_number(entry, "input", (double)spec->input);
    json_put_number(entry, "batch", (double)spec->batch);
    json_put_number(entry, "steps", (double)spec->steps);
    json_put_text(entry, "reset", reset_names[spec->reset]);
    json_put_text(entry, "gates", gates_names[spec->gates]);
    json_put_text(entry, "direction", direction_names[spec->direction]);
    json_put_text(entry, "backend", spec->backend);
    json_put_text(entry, "weights", weight_names[spec->weights]);
    json_put_text(entry, "tier", tier_names[spec->tier]);
    json_put_number(entry, "cold", spec->cold);
    json_put_number(entry, "pause", (double)spec->pause);
    return entry;
}

/* The four that Google Benchmark writes, by its own definitions; the table's figure is the median. */
static double aggregate_of(double *values, size_t n, int which)
{
    double mean = 0.0;
    double square = 0.0;
    for (size_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (values[i] - mean) * (values[i] - mean);
    double deviation = n > 1 ? sqrt(square / (double)(n - 1)) : 0.0;
    return which == 0 ? mean : which == 1 ? stats_median(values, n) : which == 2 ? deviation : deviation / mean;
}

void report_aggregates(cJSON *benchmarks, const cJSON *const *entries, size_t count)
{
    static const char *const names[] = {"mean", "median", "stddev", "cv"};
    static const char *const figures[] = {"real_time",     "cpu_time", "ns_per_step", "gflops",
                                          "weight_gbytes", "limit_ns", "limit_share"};
    double *values = take(count, sizeof *values);
    for (int which = 0; which < 4; which++) {
        /* A copy of the first entry has all the fields that don't change. */
        cJSON *entry = cJSON_Duplicate(entries[0], 1);
        const char *run_name = cJSON_GetObjectItemCaseSensitive(entry, "run_name")->valuestring;
        char *name = take_text("%s_%s", run_name, names[which]);
        cJSON_ReplaceItemInObjectCaseSensitive(entry, "name", cJSON_CreateString(name));
        cJSON_ReplaceItemInObjectCaseSensitive(entry, "run_type", cJSON_CreateString("aggregate"));
        cJSON_ReplaceItemInObjectCaseSensitive(entry, "iterations", cJSON_CreateNumber((double)count));
        cJSON_DeleteItemFromObjectCaseSensitive(entry, "repetition_index");
        cJSON_DeleteItemFromObjectCaseSensitive(entry, "run");
        json_put_text(entry, "aggregate_name", names[which]);
        json_put_text(entry, "aggregate_unit", which == 3 ? "percentage" : "time");
        for (size_t f = 0; f < sizeof figures / sizeof *figures; f++) {
            for (size_t i = 0; i < count; i++)
                values[i] = cJSON_GetObjectItemCaseSensitive(entries[i], figures[f])->valuedouble;
            cJSON_ReplaceItemInObjectCaseSensitive(entry, figures[f],
                                                   cJSON_CreateNumber(aggregate_of(values, count, which)));
        }
        cJSON_AddItemToArray(benchmarks, entry);
        free(name);
    }
    free(values);
}

cJSON *report_json(const struct report *report, const struct measured *cells, size_t count)
{
    cJSON *json = json_object();
    put_context(json, report);
    cJSON *benchmarks = json_put_array(json, "benchmarks");
    for (size_t i = 0; i < count; i++) {
        const cJSON *entries[REPETITIONS_MAX];
        for (size_t k = 0; k < cells[i].count; k++)
            entries[k] = put_entry(benchmarks, report, &cells[i], k);
        if (cells[i].count > 1)
            report_aggregates(benchmarks, entries, cells[i].count);
    }
    return json;
}
