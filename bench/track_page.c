/* SPDX-License-Identifier: BSD-2-Clause */
/* track_page.c: histories as one HTML page: a plot for each family, run by run, with the step that was found. */
#include "page.h"
#include "svg.h"
#include "track.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the others are held against: the median of the first runs. */
enum { FIRST_RUNS = 5 }; /* one alone might have been the odd one */

struct plot {
    size_t n;
    double *change;      /* in percent of the first runs' median */
    const char **labels; /* commits */
    const size_t *entry;
};

static const char *commit_of(const struct history_entry *entry)
{
    return entry->commit[0] ? entry->commit : "?";
}

/* Not quite to the step, so that its line stays free. */
static void draw_level(struct svg *svg, const struct plot *plot, size_t from, size_t end)
{
    double *sorted = take(end - from, sizeof *sorted);
    memcpy(sorted, plot->change + from, (end - from) * sizeof *sorted);
    double level = stats_median(sorted, end - from);
    double x[] = {(double)from - 0.3, (double)end - 0.7};
    double y[] = {level, level};
    svg_line(svg, x, y, 2, 1, 0);
    free(sorted);
}

static void draw_family(FILE *out, const struct history *history, const char *name, const struct plot *plot,
                        const struct track_step *step)
{
    double low = plot->change[0], high = plot->change[0];
    for (size_t i = 1; i < plot->n; i++) {
        low = fmin(low, plot->change[i]);
        high = fmax(high, plot->change[i]);
    }
    struct svg svg;
    svg_begin(&svg, out, 900, 230, name);
    svg.right = svg.width - 20;
    svg.bottom = svg.height - 28;
    /* A percent either way at least, so that noise isn't drawn as mountains. */
    low = fmin(low, -1.0);
    high = fmax(high, 1.0);
    /* Above the marks there is room for what stands beside a step. */
    high += step->at ? 0.12 * (high - low) : 0.0;
    svg_axes_runs(&svg, plot->labels, plot->n, low, high, "change of time, %");
    double *x = take(plot->n, sizeof *x);
    for (size_t i = 0; i < plot->n; i++)
        x[i] = (double)i;
    svg_line(&svg, x, plot->change, plot->n, 0, 0);
    if (step->at) {
        draw_level(&svg, plot, 0, step->at);
        draw_level(&svg, plot, step->at, plot->n);
        char label[96];
        snprintf(label, sizeof label, "%+.1f %% with %s", 100.0 * (step->ratio - 1.0),
                 commit_of(&history->entries[plot->entry[step->at]]));
        svg_vertical(&svg, (double)step->at - 0.5, label);
    }
    for (size_t i = 0; i < plot->n; i++) {
        const struct history_entry *entry = &history->entries[plot->entry[i]];
        char tip[160];
        snprintf(tip, sizeof tip, "%s, %s: %+.1f %%", commit_of(entry), entry->date, plot->change[i]);
        svg_mark(&svg, x[i], plot->change[i], 0, tip);
    }
    svg_end(&svg);
    free(x);
}

static void put_family(FILE *out, const struct history *history, size_t family, const char *machine)
{
    double *values = take(history->count, sizeof *values);
    size_t *entries = take(history->count, sizeof *entries);
    struct plot plot = {.n = history_series(history, family, machine, values, entries),
                        .change = take(history->count, sizeof *plot.change),
                        .labels = take(history->count, sizeof *plot.labels),
                        .entry = entries};
    if (plot.n > 0) {
        struct track_step step = track_find_step(values, plot.n);
        double first[FIRST_RUNS];
        size_t firsts = plot.n < FIRST_RUNS ? plot.n : FIRST_RUNS;
        memcpy(first, values, firsts * sizeof *first);
        double base = stats_median(first, firsts);
        for (size_t i = 0; i < plot.n; i++) {
            plot.change[i] = 100.0 * expm1(values[i] - base);
            plot.labels[i] = commit_of(&history->entries[entries[i]]);
        }
        fputs("<h2>", out);
        svg_text(out, history->families[family]);
        fputs("</h2>\n", out);
        draw_family(out, history, history->families[family], &plot, &step);
    }
    free(values);
    free(entries);
    free(plot.change);
    free(plot.labels);
}

/* What a reader came for, before the plots. */
static void put_steps(FILE *out, const struct history *history, const char *machine)
{
    double *values = take(history->count, sizeof *values);
    size_t *entries = take(history->count, sizeof *entries);
    size_t found = 0;
    for (size_t i = 0; i < history->family_count; i++) {
        size_t n = history_series(history, i, machine, values, entries);
        struct track_step step = track_find_step(values, n);
        if (!step.at)
            continue;
        const struct history_entry *entry = &history->entries[entries[step.at]];
        fputs(found++ ? "<li>" : "<ul>\n<li>", out);
        svg_text(out, history->families[i]);
        fprintf(out, ": %+.1f %% with ", 100.0 * (step.ratio - 1.0));
        svg_text(out, commit_of(entry));
        fputs(", ", out);
        svg_text(out, entry->date);
        fputs("</li>\n", out);
    }
    fputs(found ? "</ul>\n" : "<p>No step was found.</p>\n", out);
    free(values);
    free(entries);
}

void track_page(const struct history *history, const char *machine, const char *file)
{
    struct whole_file whole;
    whole_open(&whole, file);
    FILE *out = whole.stream;
    page_begin(out, "How libgru's speed changed");
    fputs("<p>", out);
    svg_text(out, machine);
    fputs(
        "; each mark is a run: the geometric mean of its family's cells, against the median of the first five runs. A "
        "vertical line is a step that the runs on both sides agree on, with the levels before and after.</p>\n",
        out);
    put_steps(out, history, machine);
    for (size_t i = 0; i < history->family_count; i++)
        put_family(out, history, i, machine);
    page_end(out);
    whole_close(&whole);
}
