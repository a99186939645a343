/* SPDX-License-Identifier: BSD-2-Clause */
/* cost_sizes.c: sizes and presets, and what a step's time means in cores, streams and money. */
#include "cost.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Typical models; rates are those of their fields: frames of 10 ms in speech, tokens in text. */
static const struct {
    const char *name;
    const char *size;
    double rate;
} presets[] = {
    {"sensor", "1x64+32", 10.0}, {"keyword", "40x128", 100.0},        {"speech", "80x384x3", 100.0},
    {"text", "128x128", 50.0},   {"translation", "512x1024x2", 50.0},
};
enum { PRESETS = sizeof presets / sizeof *presets };

static size_t number_at(const char **text, const char *size)
{
    char *end;
    unsigned long value = strtoul(*text, &end, 10);
    /* strtoul would take a sign or a space too. */
    if (!isdigit((unsigned char)**text) || value == 0 || value > 16384) /* as --hidden of the grid */
        fail("size '%s': numbers from 1 to 16384, as in 40x128, 80x384x3 or 1x64+32", size);
    *text = end;
    return value;
}

static void parse(struct cell_spec *spec, const char *size)
{
    const char *at = size;
    spec->input = number_at(&at, size);
    if (*at++ != 'x')
        fail("size '%s': IxH, IxHxLAYERS or IxH+H2 is expected", size);
    spec->hidden = number_at(&at, size);
    while (*at == '+') {
        at++;
        if (spec->deeper == CELL_LAYERS - 1)
            fail("size '%s': at most %d layers", size, CELL_LAYERS);
        spec->deep[spec->deeper++] = number_at(&at, size);
    }
    if (*at == 'x' && spec->deeper == 0) {
        at++;
        size_t layers = number_at(&at, size);
        if (layers > CELL_LAYERS)
            fail("size '%s': at most %d layers", size, CELL_LAYERS);
        while (spec->deeper + 1 < layers)
            spec->deep[spec->deeper++] = spec->hidden;
    }
    if (*at)
        fail("size '%s': IxH, IxHxLAYERS or IxH+H2 is expected", size);
}

void cost_add(struct cost *cost, const char *size, struct cell_spec defaults)
{
    if (cost->count == COST_ROWS_MAX)
        fail("more than %d sizes", COST_ROWS_MAX);
    struct cost_row *row = &cost->rows[cost->count++];
    *row = (struct cost_row){.spec = defaults, .rate = cost->settings.rate};
    const char *shape = size;
    for (size_t i = 0; i < PRESETS; i++)
        if (strcmp(presets[i].name, size) == 0) {
            shape = presets[i].size;
            row->rate = row->rate > 0.0 ? row->rate : presets[i].rate;
        }
    if (!(row->rate > 0.0))
        row->rate = 100.0;
    parse(&row->spec, shape);
    cell_must_fit(&row->spec);
    snprintf(row->name, sizeof row->name, shape == size ? "%s" : "%s %s", shape, size);
}

void cost_add_presets(struct cost *cost, struct cell_spec defaults)
{
    for (size_t i = 0; i < PRESETS; i++)
        cost_add(cost, presets[i].name, defaults);
}

/* What is paid for is what nobody else can use: threads count as cores of which each is taken for the whole step, rows
 * as streams that share it. */
double cost_core_seconds(const struct cost_row *row, double ns)
{
    return ns * 1e-9 * (double)row->spec.threads / (double)row->spec.batch * 1e6;
}

double cost_steps_a_second_core(const struct cost_row *row, double ns)
{
    return 1e6 / cost_core_seconds(row, ns);
}

double cost_streams_a_core(const struct cost_row *row, double ns)
{
    return cost_steps_a_second_core(row, ns) / row->rate;
}

double cost_realtime_factor(const struct cost_row *row, double ns)
{
    return ns * 1e-9 * row->rate;
}

double cost_of_million(const struct cost *cost, const struct cost_row *row, double ns)
{
    return cost->settings.price * cost_core_seconds(row, ns) / 3600.0;
}

/* 3 H (I + H) weights of four bytes are 24 H^2 where I = H. */
double cost_leaves(size_t cache)
{
    return sqrt((double)cache / 24.0);
}
