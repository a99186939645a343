/* SPDX-License-Identifier: BSD-2-Clause */
/* cost_table.c: costs as a text table, CSV and JSON. */
#include "bench.h"
#include "cost.h"

#include <string.h>

static const char *us(double ns)
{
    return number_text(ns / 1000.0);
}

static void print_leaving(const struct cost *cost)
{
    const size_t *cache = cost->report->limits->machine.cache;
    printf("\nA step reads every weight. With I = H and fp32 they leave");
    for (int level = 0; level < 3; level++)
        if (cache[level])
            printf("%s L%d (%s) at H = %.0f", level ? "," : "", level + 1, bytes_text((double)cache[level]),
                   cost_leaves(cache[level]));
    printf(": there cost jumps.\n");
}

void cost_print_error(FILE *out, const struct cost *cost)
{
    if (cost->error_count == 0)
        fputs("No row was quiet, so how well this machine's limits alone predict these times isn't known.\n", out);
    else
        /* Never left out: a prediction for a machine that isn't here is worth what it is worth here. */
        fprintf(out,
                "Predicted from this machine's limits alone, these times are off by %.0f %% in the median and %.0f %% "
                "at worst (%zu rows; those that were never quiet are left out).\n",
                100.0 * cost->error_median, 100.0 * cost->error_worst, cost->error_count);
}

void cost_table(const struct cost *cost)
{
    const struct limits *limits = cost->report->limits;
    machine_print(stdout, &limits->machine);
    bool priced = cost->settings.price > 0.0;
    printf("\n%-24s %2s %3s %9s %9s %9s %7s  %9s %9s %5s %9s %9s %8s %9s%s%s\n", "size", "th", "B", "params", "bytes",
           "MACs", "in", "us/step", "limit", "share", "steps/s", "streams", "realtime", "core-s/M",
           priced ? "  price/M" : "", cost->target ? "  predicted" : "");
    for (size_t i = 0; i < cost->count; i++) {
        const struct cost_row *row = &cost->rows[i];
        const struct cell_spec *spec = &row->spec;
        double bytes = cell_weight_bytes(spec);
        printf("%-24s %2zu %3zu %9.0f %9s %9.0f %7s  %9s %9s %4.0f%% %9.0f %9.0f %8s %9s", row->name, spec->threads,
               spec->batch, cell_parameters(spec), bytes_text(bytes), bytes / 4.0,
               machine_level(limits->machine.cache, bytes), us(row->ns), us(row->bound.ns),
               100.0 * row->bound.ns / row->ns, cost_steps_a_second_core(row, row->ns),
               cost_streams_a_core(row, row->ns), number_text(cost_realtime_factor(row, row->ns)),
               number_text(cost_core_seconds(row, row->ns)));
        if (priced)
            printf(" %9s", number_text(cost_of_million(cost, row, row->ns)));
        if (cost->target)
            printf(" %10s", us(row->predicted));
        printf("%s\n", row->noisy ? "  (never quiet)" : "");
    }
    printf("\nth: threads; B: rows a step; in: the cache level that holds the weights; MACs: multiply-adds of a row's"
           " step; limit: us, of this machine\nsteps/s and streams (at %s steps a second): a core; realtime: share of"
           " a stream's time that a step takes; core-s/M: core-seconds for a million steps\n",
           cost->settings.rate > 0.0 ? number_text(cost->settings.rate) : "each preset's rate, or 100,");
    print_leaving(cost);
    if (cost->target)
        printf("predicted: us a step on %s, from its limits alone.\n", cost->target->machine.cpu);
    report_print_raised(stdout, cost->report);
    cost_print_error(stdout, cost);
}

/* In ns and bytes and without units in the fields: what a spreadsheet or a script reads. Names have no comma and no
 * quote, since options_parse cuts lists at commas and parse() takes digits, x and + alone. */
void cost_csv(const struct cost *cost, const char *file)
{
    struct whole_file whole;
    whole_open(&whole, file);
    fputs("name,input,hidden,layers,weights,batch,threads,backend,parameters,bytes,macs,ns_per_step,limit_ns,"
          "limit_share,binds,steps_per_second_core,rate,streams_per_core,realtime_factor,core_seconds_per_million,"
          "price_per_million,predicted_ns\n",
          whole.stream);
    for (size_t i = 0; i < cost->count; i++) {
        const struct cost_row *row = &cost->rows[i];
        const struct cell_spec *spec = &row->spec;
        fprintf(whole.stream,
                "%s,%zu,%zu,%zu,%s,%zu,%zu,%s,%.0f,%.0f,%.0f,%.6g,%.6g,%.4f,%s,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g\n",
                row->name, spec->input, spec->hidden, spec->deeper + 1, weight_names[spec->weights], spec->batch,
                spec->threads, spec->backend, cell_parameters(spec), cell_weight_bytes(spec),
                cell_weight_bytes(spec) / 4.0, row->ns, row->bound.ns, row->bound.ns / row->ns, row->bound.binds,
                cost_steps_a_second_core(row, row->ns), row->rate, cost_streams_a_core(row, row->ns),
                cost_realtime_factor(row, row->ns), cost_core_seconds(row, row->ns),
                cost_of_million(cost, row, row->ns), row->predicted);
    }
    whole_close(&whole);
}

void cost_json(const struct cost *cost, const char *file)
{
    cJSON *json = json_object();
    json_put_text(json, "grubench", "cost");
    limits_to_json(json_put_object(json, "limits"), cost->report->limits);
    json_put_number(json, "prediction_error_median", cost->error_median);
    json_put_number(json, "prediction_error_worst", cost->error_worst);
    cJSON *rows = json_put_array(json, "sizes");
    for (size_t i = 0; i < cost->count; i++) {
        const struct cost_row *row = &cost->rows[i];
        const struct cell_spec *spec = &row->spec;
        cJSON *entry = json_append_object(rows);
        json_put_text(entry, "name", row->name);
        json_put_number(entry, "input", (double)spec->input);
        json_put_number(entry, "hidden", (double)spec->hidden);
        json_put_number(entry, "layers", (double)spec->deeper + 1.0);
        json_put_text(entry, "weights", weight_names[spec->weights]);
        json_put_number(entry, "batch", (double)spec->batch);
        json_put_number(entry, "threads", (double)spec->threads);
        json_put_text(entry, "backend", spec->backend);
        json_put_number(entry, "parameters", cell_parameters(spec));
        json_put_number(entry, "bytes", cell_weight_bytes(spec));
        json_put_number(entry, "macs", cell_weight_bytes(spec) / 4.0);
        json_put_number(entry, "ns_per_step", row->ns);
        json_put_number(entry, "limit_ns", row->bound.ns);
        json_put_text(entry, "binds", row->bound.binds);
        json_put_number(entry, "rate", row->rate);
        json_put_number(entry, "streams_per_core", cost_streams_a_core(row, row->ns));
        json_put_number(entry, "realtime_factor", cost_realtime_factor(row, row->ns));
        json_put_number(entry, "core_seconds_per_million", cost_core_seconds(row, row->ns));
        json_put_number(entry, "price_per_million", cost_of_million(cost, row, row->ns));
        json_put_number(entry, "predicted_ns", row->predicted);
    }
    json_write(json, file);
    cJSON_Delete(json);
}
