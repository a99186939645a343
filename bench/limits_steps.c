/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_steps.c: what libgru's small steps take on this machine: with the bandwidths, all that `cost --predict`
 * knows of it. */
#include "bench.h"
#include "sample.h"

#include <stdlib.h>
#include <string.h>

/*
 * A call, the gate block, chains that wait for their own FMAs and last groups that fill no vector: together they are
 * what a layer takes that its cache holds, and no figure of the machine alone tells them. Single rows stay within L1,
 * where nothing else counts; batches go on to where the FMA units' share is seen.
 */
static const size_t rows_of_steps[] = {1, 4, 16, 64};
static const size_t hidden_of_steps[] = {1, 8, 16, 24, 32, 64, 96};
enum { IN_L1 = 32 };

static size_t add_steps(struct cell_spec *specs, const struct limits_backend *backend)
{
    /* Scalar rows don't share anything, and take long. */
    size_t most = backend->lanes > 1 ? 64 : 4;
    size_t n = 0;
    for (size_t b = 0; b < 4 && rows_of_steps[b] <= most; b++)
        for (size_t h = 0; h < 7; h++) {
            if (hidden_of_steps[h] > IN_L1 && (rows_of_steps[b] == 1 || backend->lanes == 1))
                continue;
            specs[n] = (struct cell_spec){.path = PATH_STREAMING,
                                          .input = hidden_of_steps[h],
                                          .hidden = hidden_of_steps[h],
                                          .batch = rows_of_steps[b],
                                          .steps = 1,
                                          .threads = 1};
            snprintf(specs[n++].backend, sizeof specs->backend, "%s", backend->name);
        }
    return n;
}

void limits_measure_steps(struct limits *limits, bool quick)
{
    struct sample_settings settings = {.repetitions = 4,
                                       .min_time = quick ? 0.01 : 0.06,
                                       .max_time = quick ? 1.5 : 8.0,
                                       .interval = 0.05,
                                       .seed = 1,
                                       .title = "small steps"};
    struct cell_spec *specs = take(LIMITS_ISAS * LIMITS_STEPS, sizeof *specs);
    size_t count = 0;
    for (size_t i = 0; i < limits->backends; i++)
        count += add_steps(specs + count, &limits->backend[i]);
    struct measured *cells = speed_prepare(specs, count);
    sample_cells(&library_linked, &settings, cells, count);
    for (size_t i = 0; i < count; i++) {
        /* Noisy ones too: a prediction needs a figure at each size, and the table says how much of the run was quiet.
         */
        for (size_t b = 0; cells[i].possible && b < limits->backends; b++) {
            struct limits_backend *backend = &limits->backend[b];
            if (strcmp(backend->name, cells[i].spec.backend) == 0)
                backend->step[backend->steps++] =
                    (struct limits_step){cells[i].spec.hidden, cells[i].spec.batch, cells[i].ns};
        }
        free(cells[i].name);
    }
    free(cells);
    free(specs);
}
