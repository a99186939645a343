/* SPDX-License-Identifier: BSD-2-Clause */
/* meanwhile.c: what plain loops get of the machine in the moments between a cell's samples. */
#include "meanwhile.h"

#include "bound.h"
#include "clock.h"
#include "limits_isa.h"
#include "machine.h"

#include <math.h>

/* Some 40 us by the first caches' bandwidth, as long as a sample's half. */
static const double look_bytes = 8388608.0;

/* What the loops want sets to be multiples of: 1,024 bytes a stream. */
enum { UNIT = 8192, PEAK_ROUNDS = 4000, LEAST_LOOKS = 3 * MEANWHILE_WAYS };

bool meanwhile_fits(const struct cell_spec *spec)
{
    const bool weighs = path_is_layer(spec->path) || spec->path == PATH_GEMV || spec->path == PATH_GEMM;
    return weighs && spec->threads == 1 && cell_is_single(spec) && !spec->cold && limits_isa_named(spec->backend);
}

/* One buffer for all cells, as large as the largest. */
static const char *memory_of(size_t bytes)
{
    static char *memory;
    static size_t room;
    if (bytes > room) {
        if (memory)
            machine_pages_free(memory, room);
        memory = machine_pages(bytes, true);
        room = bytes;
    }
    return memory;
}

static double read_now(const struct limits_isa *isa, size_t bytes, size_t way)
{
    const char *memory = memory_of(bytes);
    const size_t streams = (size_t)1 << way % 4, passes = (size_t)fmax(1.0, look_bytes / (double)bytes);
    const size_t ahead = way & 8 && bytes > machine_this()->cache[1] ? 2048 : 0;
    void (*const loop)(const char *, size_t, size_t, size_t) = way & 4 ? isa->feed : isa->read;
    loop(memory, bytes, streams, ahead); /* the cell's weights have been there since the last look */
    uint64_t start = clock_ticks();
    for (size_t i = 0; i < passes; i++)
        loop(memory, bytes, streams, ahead);
    return (double)(bytes * passes) / clock_between(start, clock_ticks());
}

static double peak_now(const struct limits_isa *isa)
{
    uint64_t start = clock_ticks();
    isa->peak(PEAK_ROUNDS);
    return 2.0 * (double)(isa->lanes * isa->chains) * PEAK_ROUNDS / clock_between(start, clock_ticks());
}

void meanwhile_look(struct meanwhile *meanwhile, const struct cell_spec *spec, bool quiet, double ns)
{
    const struct limits_isa *isa = limits_isa_named(spec->backend);
    const size_t bytes = ((size_t)bound_work_of(spec).bytes + UNIT - 1) / UNIT * UNIT;
    uint64_t start = clock_ticks();
    do {
        const size_t way = meanwhile->turn++ % MEANWHILE_WAYS;
        samples_add(&meanwhile->peak, peak_now(isa), quiet);
        samples_add(&meanwhile->read[way], read_now(isa, bytes, way), quiet);
    } while (clock_between(start, clock_ticks()) < ns);
}

double meanwhile_peak(struct meanwhile *meanwhile)
{
    return meanwhile->turn >= LEAST_LOOKS ? samples_median(&meanwhile->peak) : 0.0;
}

double meanwhile_bandwidth(struct meanwhile *meanwhile)
{
    double best = 0.0;
    for (size_t way = 0; meanwhile->turn >= LEAST_LOOKS && way < MEANWHILE_WAYS; way++)
        best = fmax(best, samples_median(&meanwhile->read[way]));
    return best;
}
