/* SPDX-License-Identifier: BSD-2-Clause */
/* cost_plots.c: the plots of the cost page: time against H, the roofline, shares of the limit. */
#include "cost.h"
#include "svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A series: cells that differ in H alone. */
struct series {
    char name[48];
    size_t count;
    size_t point[COST_ROWS_MAX];
};

/* More than the options can make in one run: 3 paths, 3 resets, and what one would ask for of rows and threads. */
enum { SERIES_MAX = 64 };

static void name_series(char *name, size_t size, const struct cell_spec *spec)
{
    char threads[40] = "";
    if (spec->threads > 1)
        snprintf(threads, sizeof threads, ", %zu threads", spec->threads);
    snprintf(name, size, "%s B=%zu%s%s", spec->path == PATH_BATCH ? "batch" : path_names[spec->path], spec->batch,
             spec->reset == GRU_RESET_AFTER    ? ""
             : spec->reset == GRU_RESET_BEFORE ? ", reset before"
                                               : ", no reset",
             threads);
}

/* Layers with I = H and no further layers, ordered by H within each series. */
static size_t find_series(const struct cost_points *points, struct series *series)
{
    size_t n = 0;
    for (size_t i = 0; i < points->count; i++) {
        const struct cell_spec *spec = points->point[i].spec;
        if (!path_is_layer(spec->path) || spec->deeper || spec->input != spec->hidden || points->point[i].ns <= 0.0)
            continue;
        char name[48];
        name_series(name, sizeof name, spec);
        size_t k = 0;
        while (k < n && strcmp(series[k].name, name) != 0)
            k++;
        if (k == n) {
            if (n == SERIES_MAX)
                continue;
            n++;
            series[k].count = 0;
            memcpy(series[k].name, name, sizeof name);
        }
        struct series *one = &series[k];
        size_t at = one->count;
        /* The first of two stays: see gather() in cost_page.c. */
        bool twice = false;
        for (size_t m = 0; m < one->count; m++)
            twice |= points->point[one->point[m]].spec->hidden == spec->hidden;
        if (twice || one->count == COST_ROWS_MAX)
            continue;
        for (; at > 0 && points->point[one->point[at - 1]].spec->hidden > spec->hidden; at--)
            one->point[at] = one->point[at - 1];
        one->point[at] = i;
        one->count++;
    }
    return n;
}

/* us a row's step: what one stream pays. */
static double row_us(const struct cost_point *point, double ns)
{
    return ns / 1000.0 / (double)point->spec->batch;
}

static void tip_of(char *tip, size_t size, const struct cost_point *point)
{
    snprintf(tip, size, "%s: %s us a step, limit %s us (%.0f %%), binds: %s", cell_label(point->spec),
             number_text(point->ns / 1000.0), number_text(point->bound.ns / 1000.0),
             100.0 * point->bound.ns / point->ns, point->bound.binds);
}

void cost_plot_time(struct svg *svg, const struct cost *cost, const struct cost_points *points)
{
    struct series *series = take(SERIES_MAX, sizeof *series);
    size_t n = find_series(points, series);
    double x_low = 1e30, x_high = 0.0, y_low = 1e30, y_high = 0.0;
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < series[k].count; i++) {
            const struct cost_point *point = &points->point[series[k].point[i]];
            x_low = fmin(x_low, (double)point->spec->hidden);
            x_high = fmax(x_high, (double)point->spec->hidden);
            y_low = fmin(y_low, row_us(point, fmin(point->ns, point->bound.ns)));
            y_high = fmax(y_high, row_us(point, point->ns));
        }
    if (n > 0) {
        svg_axes(svg, x_low, x_high, y_low, y_high, 1, "hidden size H (I = H)", "microseconds a row's step");
        const size_t *cache = cost->report->limits->machine.cache;
        static const char *const leaving[] = {"leaves L1", "leaves L2", "leaves L3"};
        for (int level = 0; level < 3; level++)
            if (cache[level])
                svg_vertical(svg, cost_leaves(cache[level]), leaving[level]);
    }
    /* Series take colour, dashes and mark by their place among those shown, so that few of them differ as much as can
     * be. */
    int shown = 0;
    for (size_t k = 0; k < n; k++) {
        if (strstr(series[k].name, "reset before") || strstr(series[k].name, "no reset"))
            continue; /* they lie on the others; the heat map has them */
        double x[COST_ROWS_MAX], y[COST_ROWS_MAX], limit[COST_ROWS_MAX];
        for (size_t i = 0; i < series[k].count; i++) {
            const struct cost_point *point = &points->point[series[k].point[i]];
            x[i] = (double)point->spec->hidden;
            y[i] = row_us(point, point->ns);
            limit[i] = row_us(point, point->bound.ns);
        }
        svg_line(svg, x, limit, series[k].count, shown, 1);
        svg_line(svg, x, y, series[k].count, shown, 0);
        for (size_t i = 0; i < series[k].count; i++) {
            char tip[160];
            tip_of(tip, sizeof tip, &points->point[series[k].point[i]]);
            svg_mark(svg, x[i], y[i], shown, tip);
        }
        svg_legend(svg, shown, shown, series[k].name);
        shown++;
    }
    free(series);
}

/* The working set by which a level's roof is drawn: half of the cache, or four times the last. */
static double roof_bandwidth(const struct limits *limits, const struct limits_backend *backend, int level)
{
    double bytes = level < 3 ? 0.5 * (double)limits->machine.cache[level] : 4.0 * (double)limits->machine.cache[2];
    return bytes > 0.0 ? limits_bandwidth(limits, backend, 1, bytes) : 0.0;
}

void cost_plot_roofline(struct svg *svg, const struct cost *cost, const struct cost_points *points)
{
    const struct limits *limits = cost->report->limits;
    if (points->count == 0)
        return;
    const struct limits_backend *backend = limits_backend(limits, points->point[0].spec->backend);
    if (!backend)
        return;
    /* A stream makes half an operation a byte, a batch of 64 thirty-two: an octave or so beyond on either side. */
    double x_low = 0.1, x_high = 64.0, y_low = 1e30;
    for (size_t i = 0; i < points->count; i++) {
        double bytes = cell_weight_bytes(points->point[i].spec);
        /* The roofs are of one thread; array functions have no weights to read. */
        if (!(bytes > 0.0) || points->point[i].spec->threads > 1 || !(points->point[i].ns > 0.0))
            continue;
        x_high = fmax(x_high, cell_operations(points->point[i].spec) / bytes);
        y_low = fmin(y_low, cell_operations(points->point[i].spec) / points->point[i].ns);
    }
    svg_axes(svg, x_low, x_high, fmin(y_low, 1.0), backend->peak_one, 0, "operations a byte of weights in a step",
             "GFLOP/s of one thread");
    static const char *const roofs[] = {"L1", "L2", "L3", "memory"};
    for (int level = 0; level < 4; level++) {
        double bandwidth = roof_bandwidth(limits, backend, level);
        if (!(bandwidth > 0.0))
            continue;
        /* Each roof rises as far as the peak's; above that no level binds. */
        double knee = fmin(backend->peak_one / bandwidth, svg->x_high);
        double start = fmax(svg->x_low, svg->y_low / bandwidth);
        if (knee > start) {
            double x[] = {start, knee};
            double y[] = {start * bandwidth, knee * bandwidth};
            svg_line(svg, x, y, 2, 9, 0);
            char label[48];
            snprintf(label, sizeof label, "%s %s GB/s", roofs[level], number_text(bandwidth));
            svg_label_along(svg, x, y, 12.0, label);
        }
    }
    double peak[] = {backend->peak_one, backend->peak_one};
    double across[] = {svg->x_low, svg->x_high};
    svg_line(svg, across, peak, 2, 9, 0);
    char label[64];
    snprintf(label, sizeof label, "FMA peak %s GFLOP/s", number_text(backend->peak_one));
    svg_label(svg, svg->right - 4, svg_y(svg, backend->peak_one) - 4, "end", label);
    bool used[PATH_COUNT] = {false};
    for (size_t i = 0; i < points->count; i++) {
        const struct cost_point *point = &points->point[i];
        double bytes = cell_weight_bytes(point->spec);
        if (!(bytes > 0.0) || point->spec->threads > 1 || !(point->ns > 0.0))
            continue;
        char tip[160];
        tip_of(tip, sizeof tip, point);
        used[point->spec->path] = true;
        svg_mark(svg, cell_operations(point->spec) / bytes, cell_operations(point->spec) / point->ns,
                 (int)point->spec->path, tip);
    }
    for (int path = 0, row = 0; path < PATH_COUNT; path++)
        if (used[path])
            svg_legend(svg, row++, path, path_names[path]);
}

size_t cost_series(const struct cost_points *points)
{
    struct series *series = take(SERIES_MAX, sizeof *series);
    size_t n = find_series(points, series);
    free(series);
    return n;
}

void cost_plot_shares(struct svg *svg, const struct cost_points *points)
{
    struct series *series = take(SERIES_MAX, sizeof *series);
    size_t n = find_series(points, series);
    size_t hidden[COST_ROWS_MAX];
    size_t columns = 0;
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < series[k].count; i++) {
            size_t h = points->point[series[k].point[i]].spec->hidden;
            size_t at = 0;
            while (at < columns && hidden[at] < h)
                at++;
            if ((at < columns && hidden[at] == h) || columns == COST_ROWS_MAX)
                continue;
            memmove(hidden + at + 1, hidden + at, (columns - at) * sizeof *hidden);
            hidden[at] = h;
            columns++;
        }
    double wide = (svg->width - 220.0) / (double)(columns ? columns : 1);
    for (size_t c = 0; c < columns; c++) {
        char text[24];
        snprintf(text, sizeof text, "%zu", hidden[c]);
        svg_label(svg, 210.0 + wide * ((double)c + 0.5), 16, "middle", text);
    }
    for (size_t k = 0; k < n; k++) {
        double y = 24.0 + 24.0 * (double)k;
        svg_label(svg, 202, y + 16, "end", series[k].name);
        for (size_t i = 0; i < series[k].count; i++) {
            const struct cost_point *point = &points->point[series[k].point[i]];
            size_t c = 0;
            while (hidden[c] != point->spec->hidden)
                c++;
            double share = 100.0 * point->bound.ns / point->ns;
            /* The number is in each field, so that nobody has to read the shade; at 0.6 of the colour it still can be.
             */
            char tip[160];
            tip_of(tip, sizeof tip, point);
            double x = 210.0 + wide * (double)c;
            fprintf(svg->out,
                    "<g><title>%s</title><rect class='heat' x='%.1f' y='%.1f' width='%.1f' height='22' "
                    "fill-opacity='%.2f'/>"
                    "<text x='%.1f' y='%.1f' text-anchor='middle'>%.0f</text></g>\n",
                    tip, x, y, wide - 2.0, 0.6 * fmin(share, 100.0) / 100.0, x + 0.5 * wide - 1.0, y + 16, share);
        }
    }
    free(series);
}
