/* SPDX-License-Identifier: BSD-2-Clause */
/* bound.c: the limit of a cell on a machine, and what binds it. */
#include "bound.h"

#include <math.h>

static double recurrent_share(const struct cell_spec *spec)
{
    return (double)spec->hidden / (double)(spec->hidden + spec->input);
}

struct bound_work bound_work_of(const struct cell_spec *spec)
{
    const double operations = cell_operations(spec), bytes = cell_weight_bytes(spec);
    const double share = spec->steps > 1 ? recurrent_share(spec) : 1.0;
    return (struct bound_work){(1.0 - share) * operations, share * operations, share * bytes};
}

double bound_at(const struct cell_spec *spec, double peak, double bandwidth)
{
    const struct bound_work work = bound_work_of(spec);
    return work.input / peak + fmax(work.operations / peak, work.bytes / bandwidth);
}

/* How the time of a layer's step divides, at best; `beside` are the bytes of other layers that a step reads too, and so
 * share its caches. */
static struct bound bound_of_layer(const struct limits *limits, const struct limits_backend *backend,
                                   const struct activation_cost *activations, const struct cell_spec *spec,
                                   double beside)
{
    double hidden = (double)spec->hidden;
    const struct bound_work work = bound_work_of(spec);
    double peak = limits_peak(limits, backend, spec->threads);
    /* Cold weights come from memory once a call; in a sequence only its first step sees that. */
    bool cold = spec->cold && spec->steps == 1;
    double set = cold ? HUGE_VAL : work.bytes + beside;
    struct bound bound = {.bandwidth = limits_bandwidth(limits, backend, spec->threads, set)};
    double fma_ns = work.operations / peak;
    double read_ns = work.bytes / bound.bandwidth;
    bound.ns = bound_at(spec, peak, bound.bandwidth);
    if (spec->threads == 1)
        bound.fed_ns = bound_at(spec, peak, bound.bandwidth * limits_fed_share(limits, backend, set));
    bound.binds = fma_ns >= read_ns ? "FMA" : machine_level(limits->machine.cache, set / (double)spec->threads);

    double gates = spec->reset == GRU_RESET_NONE ? 1.0 : 2.0;
    double elements = (double)spec->batch * hidden / (double)spec->threads;
    /* Of a hard sigmoid's three operations the limits say nothing. */
    double sigmoid = spec->gates == GRU_GATES_SIGMOID ? activations->sigmoid : 0.0;
    double activation_ns = elements * (gates * sigmoid + activations->tanh);
    /* Before the reset the candidate's chain can start only when r is there: two chains one after the other. */
    double latency_ns = hidden * backend->fma_ns * (spec->reset == GRU_RESET_BEFORE ? 2.0 : 1.0);
    if (latency_ns > bound.ns && latency_ns >= activation_ns)
        bound.binds = "latency";
    else if (activation_ns > bound.ns)
        bound.binds = "activations";
    return bound;
}

/* The layers of a stack, and the directions of each, one after the other. In single steps they share the caches, in
 * sequences each runs for itself. */
static struct bound bound_of_stack(const struct limits *limits, const struct limits_backend *backend,
                                   const struct activation_cost *activations, const struct cell_spec *spec)
{
    struct bound sum = {0};
    double longest = 0.0;
    for (size_t i = 0; i <= spec->deeper; i++) {
        struct cell_spec one = *spec;
        one.deeper = 0;
        one.direction = GRU_FORWARD;
        one.hidden = cell_hidden(spec, i);
        one.input = cell_input(spec, i);
        double beside = spec->steps == 1 ? cell_weight_bytes(spec) - cell_weight_bytes(&one) : 0.0;
        struct bound bound = bound_of_layer(limits, backend, activations, &one, beside);
        sum.ns += (double)cell_directions(spec) * bound.ns;
        sum.fed_ns += (double)cell_directions(spec) * bound.fed_ns;
        if (bound.ns <= longest)
            continue;
        longest = bound.ns;
        sum.binds = bound.binds;
        sum.bandwidth = bound.bandwidth;
    }
    return sum;
}

/*
 * What a value of an array function costs at least: the additions, multiplications and fused multiply-adds of its
 * sequence, which all go through the ports of the FMA peak, and its divisions. That sequence is fixed with
 * GRU_ARITHMETIC, so it can be counted (src/kernels/activation.h). Selects, shifts and looking up go through some of
 * the same ports, but not on every CPU, so they aren't counted, and a share of 100 % can't be reached.
 */
static const struct {
    double fused[2]; /* sigmoid, tanh */
    double divisions[2];
} work_of_tier[] = {
    [GRU_TIER_FAST] = {{10, 7}, {1, 0}},
    [GRU_TIER_FASTER] = {{5, 4}, {0, 0}},
    [GRU_TIER_ACCURATE] = {{27, 9}, {1, 0}},
    [GRU_TIER_SLEEF] = {{0, 0}, {0, 0}}, /* SLEEF's own, which no arithmetic of libgru's fixes */
};
enum { UPDATE_FUSED = 2 };
_Static_assert(GRU_ARITHMETIC == 1, "another arithmetic has other sequences: count them anew");

/* Arrays: bytes read and written, and the arithmetic. */
static struct bound bound_of_array(const struct limits *limits, const struct limits_backend *backend,
                                   const struct cell_spec *spec)
{
    double count = (double)spec->hidden;
    double bytes = (spec->path == PATH_UPDATE ? 4.0 : 2.0) * sizeof(float) * count;
    size_t which = spec->path == PATH_TANH;
    double fused = spec->path == PATH_UPDATE ? UPDATE_FUSED : work_of_tier[spec->tier].fused[which];
    double divisions = spec->path == PATH_UPDATE ? 0.0 : work_of_tier[spec->tier].divisions[which];
    struct bound bound = {.bandwidth = limits_bandwidth(limits, backend, 1, bytes)};
    double memory_ns = bytes / bound.bandwidth;
    double work_ns = count * fmax(2.0 * fused / limits_peak(limits, backend, 1), divisions * backend->division_ns);
    bound.ns = fmax(memory_ns, work_ns);
    bound.binds = memory_ns >= work_ns        ? machine_level(limits->machine.cache, bytes)
                  : spec->path == PATH_UPDATE ? "FMA"
                                              : "activations";
    return bound;
}

struct bound bound_of(const struct limits *limits, const struct limits_backend *backend,
                      const struct activation_cost *activations, const struct cell_spec *spec)
{
    if (path_is_layer(spec->path))
        return bound_of_stack(limits, backend, activations, spec);
    if (spec->path == PATH_GEMV || spec->path == PATH_GEMM) {
        double bytes = cell_weight_bytes(spec);
        struct bound bound = {.bandwidth = limits_bandwidth(limits, backend, 1, bytes)};
        double peak = limits_peak(limits, backend, 1);
        double latency_ns = (double)spec->input * backend->fma_ns;
        bound.ns = bound_at(spec, peak, bound.bandwidth);
        bound.fed_ns = bound_at(spec, peak, bound.bandwidth * limits_fed_share(limits, backend, bytes));
        bound.binds = latency_ns > bound.ns ? "latency"
                      : cell_operations(spec) / peak >= bytes / bound.bandwidth
                          ? "FMA"
                          : machine_level(limits->machine.cache, bytes);
        return bound;
    }
    return bound_of_array(limits, backend, spec);
}

bool bound_raise(struct limits *limits, const struct cell_spec *spec, double ns)
{
    const struct limits_backend *backend = limits_backend(limits, spec->backend);
    const struct bound_work work = bound_work_of(spec);
    /* The layers of a stack, and directions, read theirs one after the other, at the bandwidth of a set of all of them;
     * in sequences each runs for itself, in a time that can't be told apart. */
    bool sequence = spec->steps > 1;
    if (!backend || spec->cold || !(work.bytes > 0.0) || (sequence && (spec->batch > 1 || !cell_is_single(spec))))
        return false;
    return ns > 0.0 && limits_raise(limits, spec->backend, spec->threads, work.bytes, work.bytes / ns);
}
