/* SPDX-License-Identifier: BSD-2-Clause */
/* cost_page.c: the costs as one self-contained HTML page: plots, table, machine; no script, nothing from elsewhere. */
#include "cost.h"
#include "page.h"
#include "quiet.h"
#include "svg.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Cells of --cells first: of two points of one size the plots take the first, and the grid gave each cell more time. */
static struct cost_points gather(const struct cost *cost)
{
    size_t filed = cost->cells ? cost->cells->count : 0;
    struct cost_points points = {0, take(cost->count + filed, sizeof *points.point)};
    for (size_t i = 0; i < filed; i++) {
        struct filed_cell *cell = &cost->cells->cells[i];
        /* Of a back end without limits there is no share; a cold step's limit is another one, and no stream pays it. */
        if (!limits_backend(cost->report->limits, cell->spec.backend) || cell->spec.cold)
            continue;
        points.point[points.count++] =
            (struct cost_point){&cell->spec, filed_median(cell), report_bound(cost->report, &cell->spec)};
    }
    for (size_t i = 0; i < cost->count; i++)
        points.point[points.count++] = (struct cost_point){&cost->rows[i].spec, cost->rows[i].ns, cost->rows[i].bound};
    return points;
}

static void put_table(FILE *out, const struct cost *cost)
{
    const struct limits *limits = cost->report->limits;
    bool priced = cost->settings.price > 0.0;
    fputs("<div class='scroll'><table><tr><th>size</th><th>threads</th><th>B</th><th>parameters</th><th>bytes</th>"
          "<th>weights in</th><th>us a step</th><th>limit, us</th><th>share</th><th>binds</th><th>streams a core</th>"
          "<th>at, Hz</th><th>core-s a million</th>",
          out);
    fputs(priced ? "<th>price a million</th>" : "", out);
    fputs(cost->target ? "<th>predicted, us</th></tr>\n" : "</tr>\n", out);
    for (size_t i = 0; i < cost->count; i++) {
        const struct cost_row *row = &cost->rows[i];
        double bytes = cell_weight_bytes(&row->spec);
        fprintf(out,
                "<tr><td>%s</td><td>%zu</td><td>%zu</td><td>%.0f</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td>"
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
    char date[32];
    time_t now = time(NULL);
    struct tm local;
    strftime(date, sizeof date, "%Y-%m-%d %H:%M", localtime_r(&now, &local));
    const char *commit = getenv("GRUBENCH_COMMIT");
    fprintf(out, ". libgru %s%s%s, arithmetic %d, fp32 weights. %s; %.0f %% of the probes were quiet.</p>\n",
            gru_version(), commit && *commit ? ", commit " : "", commit ? commit : "", gru_arithmetic(), date,
            100.0 * quiet_share());
}

/* What stands above a plot. */
static void put_section(FILE *out, const char *title, const char *text)
{
    fprintf(out, "<h2>%s</h2>\n<p>%s</p>\n", title, text);
}

void cost_page(const struct cost *cost, const char *file)
{
    struct whole_file whole;
    whole_open(&whole, file);
    FILE *out = whole.stream;
    struct cost_points points = gather(cost);
    struct svg svg;
    put_head(out, cost);

    put_section(out, "Time against size",
                "One row's step; the thin dashed line is the limit of each. A step that runs alone reads every weight,"
                " so its cost jumps where the weights leave a cache level.");
    svg_begin(&svg, out, 900, 460, "Time of a step against hidden size");
    cost_plot_time(&svg, cost, &points);
    svg_end(&svg);

    put_section(out, "Roofline",
                "Each mark is a measured cell, and its tip names it. A slanted roof is what reading from that level "
                "allows; a cell whose weights a nearer level holds can lie above it.");
    svg_begin(&svg, out, 900, 460, "Roofline");
    cost_plot_roofline(&svg, cost, &points);
    svg_end(&svg);

    put_section(out, "Share of the limit, in percent, by hidden size",
                "The limit is all weight bytes at the bandwidth of the level that holds them, or all multiply-adds at"
                " the FMA peak. Latency and activations, which it leaves out, bind small layers.");
    /* Its height goes with its rows; the other two have one shape, which a screen shows whole. */
    svg_begin(&svg, out, 900, 30.0 + 24.0 * (double)cost_series(&points), "Share of the limit");
    cost_plot_shares(&svg, &points);
    svg_end(&svg);

    put_section(out, "Sizes",
                "Input x hidden, x layers or + further layers. B: rows that take a step together; streams a core: at"
                " so many steps a second each; core-s a million: core-seconds for a million steps of one stream.");
    put_table(out, cost);
    fputs("<p>", out);
    report_print_raised(out, cost->report);
    cost_print_error(out, cost);
    fputs("</p>\n", out);
    if (cost->target) {
        fputs("<p>Predicted for: ", out);
        svg_text(out, cost->target->machine.cpu);
        fputs("</p>\n", out);
    }
    page_end(out);
    whole_close(&whole);
    free(points.point);
}
