/* SPDX-License-Identifier: BSD-2-Clause */
/* cost_page.c: the costs as one self-contained HTML page: plots, table, machine; no script, nothing from elsewhere. */
#include "cost.h"
#include "page.h"
#include "svg.h"

#include <stdlib.h>
#include <string.h>

static struct cost_points gather(const struct cost *cost)
{
    size_t filed = cost->cells ? cost->cells->count : 0;
    struct cost_points points = {0, take(cost->count + filed, sizeof *points.point)};
    for (size_t i = 0; i < filed; i++) {
        struct filed_cell *cell = &cost->cells->cells[i];
        if (!limits_backend(cost->report->limits, cell->spec.backend) || cell->spec.cold)
            continue;
        double ns[RUNS_MAX];
        memcpy(ns, cell->ns, cell->runs * sizeof *ns);
        points.point[points.count++] = (struct cost_point){&cell->spec, stats_median(ns, cell->runs),
                                                           report_bound(cost->report, &cell->spec)};
    }
    for (size_t i = 0; i < cost->count; i++)
        points.point[points.count++] = (struct cost_point){&cost->rows[i].spec, cost->rows[i].ns, cost->rows[i].bound};
    return points;
}

static void put_table(FILE *out, const struct cost *cost)
{
    const struct limits *limits = cost->report->limits;
    bool priced = cost->settings.price > 0.0;
    fputs("<div class='scroll'><table><tr><th>size</th><th>threads</th><th>B</th><th>parameters</th><th>bytes</th><th>weights in</th>"
          "<th>us a step</th><th>limit, us</th><th>share</th><th>binds</th><th>streams a core</th><th>at, Hz</th>"
          "<th>core-s a million</th>",
          out);
    fputs(priced ? "<th>price a million</th>" : "", out);
    fputs(cost->target ? "<th>predicted, us</th></tr>\n" : "</tr>\n", out);
    for (size_t i = 0; i < cost->count; i++) {
        const struct cost_row *row = &cost->rows[i];
        double bytes = cell_weight_bytes(&row->spec);
        fprintf(out, "<tr><td>%s</td><td>%zu</td><td>%zu</td><td>%.0f</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td>"
                     "<td>%.0f %%</td><td>%s</td><td>%.0f</td><td>%s</td><td>%s</td>",
                row->name, row->spec.threads, row->spec.batch, cell_parameters(&row->spec), bytes_text(bytes),
                machine_level(limits->machine.cache, bytes), number_text(row->ns / 1000.0),
                number_text(row->bound.ns / 1000.0), 100.0 * row->bound.ns / row->ns, row->bound.binds,
                cost_streams_a_core(row, row->ns), number_text(row->rate),
                number_text(cost_core_seconds(row, row->ns)));
        if (priced)
            fprintf(out, "<td>%s</td>", number_text(cost_of_million(cost, row, row->ns)));
        if (cost->target)
            fprintf(out, "<td>%s</td>", number_text(row->predicted / 1000.0));
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}

static void put_head(FILE *out, const struct cost *cost)
{
    const struct machine *machine = &cost->report->limits->machine;
    page_begin(out, "What a GRU costs on this CPU");
    fputs("<p>", out);
    svg_text(out, machine->cpu);
    fprintf(out, "; L1d %s, L2 %s, L3 %s; hypervisor ", bytes_text((double)machine->cache[0]),
            bytes_text((double)machine->cache[1]), bytes_text((double)machine->cache[2]));
    svg_text(out, machine->hypervisor);
    fprintf(out, "; libgru %s, arithmetic %d; fp32 weights.</p>\n", gru_version(), gru_arithmetic());
}

void cost_page(const struct cost *cost, const char *file)
{
    struct whole_file whole;
    whole_open(&whole, file);
    FILE *out = whole.stream;
    struct cost_points points = gather(cost);
    struct svg svg;
    put_head(out, cost);

    fputs("<h2>Time against size</h2>\n<p>One row's step; the thin dashed line is the limit of each. A step that runs alone reads every "
          "weight, so its cost jumps where the weights leave a cache level.</p>\n",
          out);
    svg_begin(&svg, out, 900, 460, "Time of a step against hidden size");
    cost_plot_time(&svg, cost, &points);
    svg_end(&svg);

    fputs("<h2>Roofline</h2>\n<p>Each mark is a measured cell. It can lie above the roof of the level that its weights don't need: "
          "small ones live in L1.</p>\n",
          out);
    svg_begin(&svg, out, 900, 460, "Roofline");
    cost_plot_roofline(&svg, cost, &points);
    svg_end(&svg);

    fputs("<h2>Share of the limit, in percent, by hidden size</h2>\n", out);
    svg_begin(&svg, out, 900, 30.0 + 24.0 * (double)cost_series(&points), "Share of the limit");
    cost_plot_shares(&svg, &points);
    svg_end(&svg);

    fputs("<h2>Sizes</h2>\n", out);
    put_table(out, cost);
    fprintf(out, "<p>Predicted from this machine's limits alone, these times are off by %.0f %% in the median and %.0f %% at worst "
                 "(%zu rows; those that were never quiet are left out).</p>\n",
            100.0 * cost->error_median, 100.0 * cost->error_worst, cost->error_count);
    if (cost->target) {
        fputs("<p>Predicted for: ", out);
        svg_text(out, cost->target->machine.cpu);
        fputs("</p>\n", out);
    }
    page_end(out);
    whole_close(&whole);
    free(points.point);
}
