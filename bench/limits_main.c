/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_main.c: `grubench limits`: measures the machine and prints the table. */
#include "bench.h"
#include "limits.h"
#include "limits_isa.h"
#include "options.h"
#include "util.h"

#include <string.h>

void machine_print(FILE *out, const struct machine *machine)
{
    fprintf(out, "CPU         %s, %zu for this process\n", machine->cpu, machine->cpus);
    fprintf(out, "features    %s\n", machine->features);
    fprintf(out, "caches      L1d %s, L2 %s, L3 %s\n", bytes_text((double)machine->cache[0]),
            bytes_text((double)machine->cache[1]), bytes_text((double)machine->cache[2]));
    fprintf(out, "system      %s, %s, governor %s, hypervisor %s, huge pages %s\n", machine->kernel, machine->compiler,
            machine->governor, machine->hypervisor, machine->huge_pages);
}

static void print_backend(const struct limits *limits, const struct limits_backend *backend)
{
    printf("\n%s\n", backend->name);
    printf("  FMA peak    one thread %s GFLOP/s (core at %.2f GHz), all %zu threads %s GFLOP/s\n",
           number_text(backend->peak_one), backend->ghz, limits->threads, number_text(backend->peak_all));
    printf("  FMA latency %s ns; division %s ns a value, in vectors of %zu\n", number_text(backend->fma_ns),
           number_text(backend->division_ns), backend->lanes);
    printf("  read, GB/s        one thread                   all threads         best with\n");
    printf("  %12s %6s %8s %8s %8s  %8s %8s   streams prefetch\n", "working set", "level", "4K", "huge", "by FMAs",
           "4K", "huge");
    for (size_t i = 0; i < backend->reads; i++) {
        const struct limits_read *read = &backend->read[i];
        printf("  %12s %6s %8s %8s %8s  %8s %8s   %7zu %8zu\n", bytes_text(read->bytes),
               machine_level(limits->machine.cache, read->bytes), number_text(read->one[PAGES_SMALL]),
               number_text(read->one[PAGES_HUGE]), number_text(read->fed), number_text(read->all[PAGES_SMALL]),
               number_text(read->all[PAGES_HUGE]), read->streams, read->ahead);
    }
}

void limits_print(const struct limits *limits)
{
    machine_print(stdout, &limits->machine);
    printf("measured    in %.0f s, %.0f %% of the probes quiet (%.2f FMA a cycle when quiet)\n", limits->seconds,
           100.0 * limits->quiet_share, limits->quiet_level);
    if (limits->threads > 1)
        printf("barrier     of %zu threads %s ns\n", limits->threads, number_text(limits->barrier_ns));
    for (size_t i = 0; i < limits->backends; i++)
        print_backend(limits, &limits->backend[i]);
}

int limits_main(int argc, char **argv)
{
    bool quick = false;
    const char *file = NULL;
    const char *only = NULL;
    double seconds = 0.0;
    const struct option options[] = {
        {.name = "quick", .kind = OPTION_FLAG, .value = &quick, .help = "fewer sizes and trials"},
        {.name = "backend", .kind = OPTION_TEXT, .value = &only, .help = "only what this back end can reach"},
        {"max-time", OPTION_NUMBER, &seconds, "seconds after which the rest is done briefly (45, quick 9)", NULL, 0.1,
         1e6},
        {.name = "json", .kind = OPTION_TEXT, .value = &file, .help = "also write the figures to a file (- is stdout)"},
    };
    const struct command_line line = {
        "limits [options]",
        "Measures the machine: FMA peak of each back end, read bandwidth of each working-set size.",
        options,
        sizeof options / sizeof *options,
        0,
        0};
    options_parse(&line, argc, argv, NULL);
    /* By the CPU and not by the library, whose back ends may be fewer. */
    if (only && !limits_isa_named(only))
        fail("this CPU has no back end '%s'", only);
    whole_check(&file, 1);

    static struct limits limits;
    bench_start();
    limits_measure(&limits, quick, only, seconds);
    limits_measure_steps(&limits, quick);
    if (!file || strcmp(file, "-") != 0)
        limits_print(&limits);
    if (file) {
        cJSON *json = json_object();
        limits_to_json(json, &limits);
        json_write(json, file);
        cJSON_Delete(json);
    }
    return 0;
}
