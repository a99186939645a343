/* SPDX-License-Identifier: BSD-2-Clause */
/* stack_plan.c: how a run of a stack cuts its steps into chunks, and where each of its arrays lies in the workspace. */
#include "stack_plan.h"

#include "layer.h"
#include "size.h"
#include "wave.h"

/*
 * A wave (wave.h) is for layers of few rows and small weights, whose steps are too short to be cut. The figures are of
 * two threads (bench/README.md, "Stacks on two threads").
 */
enum {
    WAVE_ROWS = 7,          /* the most: more are cut into parts, which meet nowhere in a layer */
    WAVE_STEPS = 16,        /* of a run at least */
    WORTH_A_WAVE = 2097152, /* multiply-adds of a run: 25 us */
};

/* What a row's step takes, in multiply-adds. */
static size_t work_of(const struct gru_layer *layer)
{
    return gru_layer_input(layer) + gru_layer_recurrent(layer) + GRU_SHORT_STEP;
}

static int all_forward(const gru_layer *const *layers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (layers[i]->desc.direction != GRU_FORWARD)
            return 0;
    return 1;
}

/* Steps of a wave's chunk. More rows never have longer ones. */
static size_t wave_steps(const gru_layer *const *layers, size_t count, size_t steps, size_t rows)
{
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        longest = gru_most(longest, work_of(layers[i]));
    return gru_plan_chunk(steps, longest * rows);
}

/* Whether there is a pool with which layers would go in a wave, of so many rows or fewer. Of larger weights each core's
 * cache had better keep a part. */
static int may_wave(const gru_layer *const *layers, size_t count, size_t steps)
{
    if (count == 1 || count > GRU_MAX_SLICES || steps < WAVE_STEPS || !all_forward(layers, count))
        return 0;
    for (size_t i = 0; i < count; i++)
        if (GRU_MAX_GATES * layers[i]->desc.hidden * layers[i]->desc.hidden > GRU_CACHED_WEIGHTS / 2)
            return 0;
    return 1;
}

/* Whether layers go faster side by side than one after the other, each cut for that pool. */
static int is_faster(const gru_layer *const *layers, size_t count, const gru_pool *pool, size_t steps, size_t rows)
{
    const double threads = (double)gru_least(pool->threads, count);
    double all = 0.0, longest = 0.0, cut = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double work = (double)work_of(layers[i]);
        all += work;
        longest = work > longest ? work : longest;
        cut += work / (double)gru_plan_cut(layers[i], pool, steps, rows).slices;
    }
    /* The time of a step. In a wave: the layers' work divided among the threads, but at least the longest layer's, and
     * the start and the end, when some threads have no chunk. In slices: each thread's share, and for one row a fifth
     * more, as slices meet at each step (measured at H = 96 to 192). */
    const double chunks = (double)steps / (double)wave_steps(layers, count, steps, rows), share = all / threads;
    const double wave = (share > longest ? share : longest) * (chunks + threads - 1.0) / chunks;
    const double slices = rows == 1 ? 1.2 * cut : cut;
    return all * (double)steps * (double)rows >= (double)WORTH_A_WAVE && 1.5 * wave <= all && wave <= slices;
}

size_t gru_stack_state_floats(const gru_layer *layer, size_t rows)
{
    return layer->directions * rows * layer->desc.hidden;
}

/* Adds arrays and says where they begin; 0 when they don't fit, like everything after them. */
static int put(struct gru_stack_plan *plan, size_t copies, size_t a, size_t b, size_t element,
               struct gru_arrays *arrays)
{
    size_t bytes;
    arrays->at = plan->bytes;
    if (!gru_mul(a, b, &bytes) || !gru_mul(bytes, element, &bytes) || bytes > (size_t)PTRDIFF_MAX / 2)
        return 0;
    arrays->stride = gru_round_up(bytes, GRU_ALIGNMENT);
    if (arrays->stride && copies > (size_t)PTRDIFF_MAX / arrays->stride)
        return 0;
    /* Neither is more than half of the address range: no wrapping round, here or when it is aligned. */
    plan->bytes += copies * arrays->stride;
    return plan->bytes <= (size_t)PTRDIFF_MAX;
}

/* What the layers need of a chunk. */
struct needs {
    size_t width;  /* floats of a row of outputs of the widest layer but the last */
    size_t states; /* floats */
    size_t inner;  /* bytes */
};

static int survey(struct needs *needs, const gru_layer *const *layers, size_t count, size_t steps, size_t rows)
{
    *needs = (struct needs){0};
    for (size_t i = 0; i < count; i++) {
        struct gru_plan run;
        if (rows > layers[i]->max_rows)
            return 0;
        gru_plan_make(&run, layers[i], steps, rows); /* no less than a chunk's */
        needs->inner = gru_most(needs->inner, run.bytes);
        if (i + 1 < count)
            needs->width = gru_most(needs->width, gru_layer_width(layers[i]));
        /* A layer's own states fit in its max_rows, but there may be any number of layers. */
        if (!gru_add(needs->states, gru_stack_state_floats(layers[i], rows), &needs->states))
            return 0;
    }
    return 1;
}

/* Arrays for all layers of a wave, or for one after the other. */
static int lay_out_chunks(struct gru_stack_plan *plan, const gru_layer *const *layers, size_t count, int wave,
                          size_t steps, size_t rows)
{
    struct needs needs;
    size_t outputs = 0;
    const int forward = all_forward(layers, count);
    const size_t each = wave ? count : 1;
    *plan = (struct gru_stack_plan){.wave = wave, .chunk = steps, .bytes = wave ? gru_wave_bytes(count) : 0};
    if (wave) /* as for one row, which has the longest: a run of fewer rows must fit, too */
        plan->chunk = wave_steps(layers, count, steps, 1);
    else if (forward && count > 1)
        plan->chunk = gru_plan_block_steps(steps, rows);
    if (!survey(&needs, layers, count, wave ? plan->chunk : steps, rows))
        return 0;
    if (forward && !wave)
        outputs = gru_plan_block_rows(steps, rows);
    else if (!gru_mul(plan->chunk, rows, &outputs))
        return 0;
    const int fits = put(plan, 2 * each, outputs, needs.width, sizeof(float), &plan->between) &&
                     put(plan, 1, needs.states, 1, sizeof(float), &plan->states) &&
                     put(plan, each, rows, 1, sizeof(size_t), &plan->lengths) &&
                     put(plan, each, needs.inner, 1, 1, &plan->inner);
    plan->bytes += GRU_ALIGNMENT;
    return fits;
}

int gru_stack_plan_make(struct gru_stack_plan *plan, const gru_layer *const *layers, size_t count, const gru_pool *pool,
                        size_t steps, size_t rows)
{
    struct gru_stack_plan wave;
    if (!lay_out_chunks(plan, layers, count, 0, steps, rows))
        return 0;
    if (!may_wave(layers, count, steps))
        return 1;
    /* not covered: for few layers, rows and steps, whose weights lie in memory, there is memory */
    if (!lay_out_chunks(&wave, layers, count, 1, steps, gru_least(rows, WAVE_ROWS)))
        return 0;
    const size_t bytes = gru_most(plan->bytes, wave.bytes);
    if (rows <= WAVE_ROWS && pool && is_faster(layers, count, pool, steps, rows)) {
        *plan = wave;
        plan->chunk = wave_steps(layers, count, steps, rows);
    }
    plan->bytes = bytes;
    return 1;
}
