/* SPDX-License-Identifier: BSD-2-Clause */
/* report_read.c: reads back files of `grubench speed --json`, one time per cell and process run. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

static size_t word_index(const char *const *words, const char *word, const char *key, const char *file)
{
    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    fail("%s: '%s' has the unknown value '%s'", file, key, word);
}

static void read_spec(struct cell_spec *spec, const cJSON *entry, const char *file)
{
    *spec = (struct cell_spec){0};
    spec->path = (enum path)word_index(path_names, json_text_of(entry, "path", file), "path", file);
    spec->reset = (enum gru_reset)word_index(reset_names, json_text_of(entry, "reset", file), "reset", file);
    if (cJSON_HasObjectItem(entry, "gates")) /* files of old have none */
        spec->gates = (enum gru_gates)word_index(gates_names, json_text_of(entry, "gates", file), "gates", file);
    if (cJSON_HasObjectItem(entry, "direction")) /* nor this */
        spec->direction =
            (enum gru_direction)word_index(direction_names, json_text_of(entry, "direction", file), "direction", file);
    spec->weights =
        (enum gru_weight_type)word_index(weight_names, json_text_of(entry, "weights", file), "weights", file);
    spec->tier = (enum gru_tier)word_index(tier_names, json_text_of(entry, "tier", file), "tier", file);
    spec->hidden = json_count_of(entry, "hidden", file);
    /* Nor these. All layers have as many units: `cost`, where they may differ, writes other files. */
    spec->deeper = cJSON_HasObjectItem(entry, "layers") ? json_count_of(entry, "layers", file) - 1 : 0;
    if (spec->deeper >= CELL_LAYERS)
        fail("%s: a cell has %zu layers, and %d are the most", file, spec->deeper + 1, CELL_LAYERS);
    for (size_t i = 0; i < spec->deeper; i++)
        spec->deep[i] = spec->hidden;
    spec->input = json_count_of(entry, "input", file);
    spec->batch = json_count_of(entry, "batch", file);
    spec->steps = json_count_of(entry, "steps", file);
    spec->threads = json_count_of(entry, "threads", file);
    spec->cold = json_number_of(entry, "cold", file) > 0.0;
    spec->pause = cJSON_HasObjectItem(entry, "pause") ? (size_t)json_number_of(entry, "pause", file) : 0;
    snprintf(spec->backend, sizeof spec->backend, "%s", json_text_of(entry, "backend", file));
}

static char *family_of(const struct cell_spec *spec)
{
    char layers[32] = "";
    if (spec->deeper)
        snprintf(layers, sizeof layers, "/%zu layers", spec->deeper + 1);
    return take_text("%s%s%s%s%s%s%s%s/%s/%zu thread%s", path_names[spec->path], path_is_layer(spec->path) ? "/" : "",
                     path_is_layer(spec->path) ? reset_names[spec->reset] : "", spec->gates ? "/" : "",
                     spec->gates ? gates_names[spec->gates] : "", spec->direction ? "/" : "",
                     spec->direction ? direction_names[spec->direction] : "", layers, spec->backend, spec->threads,
                     spec->threads == 1 ? "" : "s");
}

static struct filed_cell *cell_of(struct filed_report *report, const char *name)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->cells[i].name, name) == 0)
            return &report->cells[i];
    return NULL;
}

/* The entries of one cell, before they become one time a run. */
struct gathered {
    size_t count;
    size_t room;
    size_t *run;
    double *ns;
};

static void gather(struct gathered *gathered, size_t run, double ns)
{
    if (gathered->count == gathered->room) {
        gathered->room = gathered->room ? 2 * gathered->room : 16;
        gathered->run = realloc(gathered->run, gathered->room * sizeof *gathered->run);
        gathered->ns = realloc(gathered->ns, gathered->room * sizeof *gathered->ns);
        if (!gathered->run || !gathered->ns)
            fail("out of memory");
    }
    gathered->run[gathered->count] = run;
    gathered->ns[gathered->count++] = ns;
}

/* The median of a run's repetitions is the run: they share its hour and its process, so as many values of their own
 * they would pretend to know more than they do. */
static void conclude(struct filed_cell *cell, struct gathered *gathered)
{
    double *same = take(gathered->count, sizeof *same);
    for (size_t run = 0; run < RUNS_MAX; run++) {
        size_t n = 0;
        for (size_t i = 0; i < gathered->count; i++)
            if (gathered->run[i] == run)
                same[n++] = gathered->ns[i];
        if (n)
            cell->ns[cell->runs++] = stats_median(same, n);
    }
    free(same);
    free(gathered->run);
    free(gathered->ns);
}

static void read_context(struct filed_report *report, const cJSON *json, const char *file)
{
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(json, "context");
    if (!cJSON_IsObject(context) || !cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(context, "grubench")))
        fail("%s is JSON, but not a file of `grubench speed --json`", file);
    machine_from_json(&report->machine, json_member(context, "machine", JSON_OBJECT, file), file);
    snprintf(report->commit, sizeof report->commit, "%s", json_text_of(context, "libgru_commit", file));
    snprintf(report->date, sizeof report->date, "%s", json_text_of(context, "date", file));
}

void report_read(struct filed_report *report, const char *file)
{
    *report = (struct filed_report){0};
    cJSON *json = json_read(file);
    read_context(report, json, file);
    const cJSON *benchmarks = json_member(json, "benchmarks", JSON_ARRAY, file);
    size_t most = (size_t)cJSON_GetArraySize(benchmarks);
    report->cells = take(most, sizeof *report->cells);
    struct gathered *gathered = take(most, sizeof *gathered);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, benchmarks)
    {
        if (strcmp(json_text_of(entry, "run_type", file), "iteration") != 0)
            continue; /* aggregates say nothing that the repetitions don't */
        const char *name = json_text_of(entry, "name", file);
        struct filed_cell *cell = cell_of(report, name);
        if (!cell) {
            cell = &report->cells[report->count++];
            cell->name = take_text("%s", name);
            read_spec(&cell->spec, entry, file);
            cell->family = family_of(&cell->spec);
        }
        size_t run = json_size_of(entry, "run", file);
        if (run >= RUNS_MAX)
            fail("%s: more than %d runs", file, RUNS_MAX);
        gather(&gathered[cell - report->cells], run, json_positive_of(entry, "ns_per_step", file));
    }
    for (size_t i = 0; i < report->count; i++)
        conclude(&report->cells[i], &gathered[i]);
    free(gathered);
    cJSON_Delete(json);
    if (report->count == 0)
        fail("%s has no measurements", file);
}

double filed_median(const struct filed_cell *cell)
{
    double ns[RUNS_MAX];
    memcpy(ns, cell->ns, cell->runs * sizeof *ns);
    return stats_median(ns, cell->runs);
}

void report_release(struct filed_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->cells[i].name);
        free(report->cells[i].family);
    }
    free(report->cells);
}
