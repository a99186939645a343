/* SPDX-License-Identifier: BSD-2-Clause */
/* plan.c: how a run cuts its steps into blocks, and where each of its arrays lies in the workspace. */
#include "plan.h"

#include "layer.h"
#include "phases.h"
#include "size.h"
#include "wave.h"

/* A line more than rows of that width need: with rows a power of two apart, a column of eight of them would fall into
 * one set of the first-level cache. */
static size_t row_floats(size_t width)
{
    return gru_round_up(width, GRU_LINE) + GRU_LINE;
}

/* The next array of the workspace: its offset, and the total moved behind it. */
static size_t take(struct gru_plan *plan, size_t count, size_t element)
{
    size_t at = plan->bytes;
    plan->bytes += gru_round_up(count * element, GRU_ALIGNMENT);
    return at;
}

/* Fewer multiply-adds than this in a step aren't worth the barrier after it (measured: README of bench/), and fewer in
 * a whole run aren't worth a second thread. */
enum { WORTH_A_SLICE = 16384, WORTH_A_PART = 262144 };

/* And fewer in a whole run than this aren't worth inputs that are fed to the steps, which gain less: 15 us. */
enum { WORTH_FEEDING = 1048576 };

/* Steps of a chunk at least, four times as many at most; half of that where a step takes long. */
enum { CHUNK_STEPS = 16, LONG_STEP = 32768 };

/* The least rows for which a thread should read all weights. */
enum { LEAST_ROWS = 4 };

/* What lies between the arrays of a part and those of the next one. A CPU fetches lines ahead of those that it reads,
 * and takes them from the core that writes them at each step; but it stops at a page's end. Two threads take 0.97 of
 * the time with 16 or 64 rows of H = 64, and less where their cores are far from each other. (With 1 KiB, 0.985.) */
enum { PART_GAP = 4096 };

/* Into how many parts of rows a run may be cut: of larger weights each thread keeps some units' instead. */
static size_t most_parts(const struct gru_layer *layer, size_t rows)
{
    return rows >= 2 * LEAST_ROWS && gru_layer_recurrent(layer) <= GRU_CACHED_WEIGHTS
               ? gru_least(rows / LEAST_ROWS, GRU_MAX_SLICES)
               : 1;
}

/* Whether there is room for both directions at once. Of larger weights each thread keeps some units' instead, first one
 * direction's and then the other's; a sum is begun by the forward one. */
static int has_both(const struct gru_layer *layer)
{
    return layer->directions == 2 && layer->desc.merge == GRU_MERGE_CONCAT &&
           gru_layer_recurrent(layer) <= GRU_CACHED_WEIGHTS / 4 * 3;
}

/* Into how many pieces each of two directions is cut, `most` at most, so that all threads have as many: with half of
 * the threads a direction, an odd one out would have nothing to do. */
static size_t pieces_of_both(size_t threads, size_t most)
{
    const size_t whole = threads % 2 && 2 * threads <= GRU_MAX_SLICES ? threads : threads / 2;
    return most >= whole ? whole : gru_least(threads / 2, most);
}

size_t gru_plan_chunk(size_t steps, size_t work)
{
    const size_t fewest = work >= LONG_STEP ? CHUNK_STEPS / 2 : CHUNK_STEPS;
    return gru_most(fewest, gru_least(steps / 16, 4 * fewest) / 8 * 8);
}

/* Lets one thread take the steps and others feed it the chains over x of steps to come, unless these are too few; in
 * two pieces where they take far longer than the steps, so that two threads may make them at once. (Steps that make the
 * chains over x beside theirs gain less when these are taken off them, and want twice the inputs.) Two chunks have room
 * in a block: 2 * chunk is no more than its steps. */
static void let_feed(struct gru_cut *cut, const struct gru_layer *layer, size_t steps, size_t rows)
{
    const size_t input = gru_layer_input(layer), step = gru_layer_recurrent(layer) + GRU_SHORT_STEP / rows;
    const int beside = layer->half[0].cell.beside && rows == 1;
    if (rows >= 2 * LEAST_ROWS || steps < 2 * CHUNK_STEPS || steps * rows * (input + step) < WORTH_FEEDING ||
        input < step / (beside ? 1 : 2))
        return;
    cut->slices = 1;
    cut->chunk = gru_least(gru_plan_chunk(steps, rows * (input + step)), GRU_BLOCK_ROWS / rows / 2);
    cut->feeders = input > 2 * step ? GRU_MOST_FEEDERS : 1;
}

/* As many pieces as the pool has threads, but none too small to be worth it. Directions and parts of rows never meet
 * before the run's end; to slices of units the states of a step go from core to core, but of large weights each core's
 * cache keeps a part. */
struct gru_cut gru_plan_cut(const struct gru_layer *layer, const gru_pool *pool, size_t steps, size_t rows)
{
    struct gru_cut cut = {.directions = 1, .slices = 1, .parts = 1};
    if (!pool || !steps)
        return cut;
    const size_t weights = gru_layer_recurrent(layer), most = most_parts(layer, rows);
    const size_t work = weights + gru_layer_input(layer);
    const size_t threads = gru_least(pool->threads, GRU_MAX_SLICES), worth = rows * steps * work / WORTH_A_PART + 1;
    cut.parts = gru_least(most, worth);
    if (most == 1 && !layer->faint)
        cut.slices = gru_least(layer->groups, weights / WORTH_A_SLICE + 1);
    if (threads > 1 && has_both(layer) && (worth > 1 || cut.slices > 1))
        return (struct gru_cut){2, pieces_of_both(threads, cut.slices), pieces_of_both(threads, cut.parts), 0, 0};
    cut.parts = gru_least(threads, cut.parts);
    cut.slices = gru_least(threads, cut.slices);
    /* Two slices gain as much or a little more while the cores are quiet, and take up to twice as long as one thread
     * beside a busy one. */
    if (threads > 1 && cut.parts == 1 && weights < 2 * WORTH_A_SLICE)
        let_feed(&cut, layer, steps, rows);
    return cut;
}

/* A chunk reads all of W, and the first one has none before it: small chunks where the second-level cache has W, and
 * larger ones of longer runs where it comes from further away. */
size_t gru_plan_ahead(const struct gru_layer *layer, size_t steps)
{
    const size_t tile = layer->ahead_rows, far = (size_t)layer->half[0].input.far;
    if (!tile || layer->faint)
        return 0;
    const size_t least = (far ? 4 : 2) * tile, most = far ? GRU_BLOCK_ROWS / 2 / tile * tile : 4 * tile;
    if (steps < (far ? 8 : 2) * least)
        return 0;
    return gru_most(least, gru_least(most, steps / 8 / tile * tile));
}

size_t gru_plan_work(const struct gru_layer *layer, size_t steps)
{
    return layer->directions * steps * (gru_layer_input(layer) + gru_layer_recurrent(layer));
}

static struct gru_lone lone_of(const struct gru_layer *layer)
{
    struct gru_plan plan;
    gru_plan_make(&plan, layer, 1, 1);
    return (struct gru_lone){
        .cell = &layer->half[0].cell,
        .input = &layer->half[0].input,
        .x = plan.rows.x,
        .ax = plan.rows.ax,
        .s = plan.rows.s,
        .z = plan.rows.z,
        .h = plan.rows.h[0],
        .h_next = plan.rows.h[1],
        .needs = layer->directions == 1 ? plan.bytes + GRU_ALIGNMENT : SIZE_MAX,
    };
}

void gru_plan_layer(struct gru_layer *layer)
{
    size_t padded = layer->groups * layer->backend->lanes;
    layer->x_row = row_floats(layer->desc.input);
    layer->ax_row = row_floats(padded * layer->half[0].input.gates);
    layer->h_row = row_floats(padded);
    /* Each row of the batch has at most one row of each array, and five indices; a block has at most GRU_BLOCK_ROWS
     * rows more than the batch. Half of the address range leaves room for rounding and for the phases' state. */
    size_t row_bytes = (layer->x_row + layer->ax_row + 4 * layer->h_row) * sizeof(float) + 5 * sizeof(size_t);
    const size_t most = (size_t)PTRDIFF_MAX / 2 / layer->directions / row_bytes;
    layer->max_rows = most > GRU_BLOCK_ROWS ? most - GRU_BLOCK_ROWS : 0;
    layer->lone = lone_of(layer);
}

size_t gru_plan_block_steps(size_t steps, size_t rows)
{
    /* One step is a common case, and a division is felt in a small layer. */
    return steps > 1 && rows && rows < GRU_BLOCK_ROWS ? gru_least(steps, GRU_BLOCK_ROWS / rows) : gru_least(steps, 1);
}

size_t gru_plan_block_rows(size_t steps, size_t rows)
{
    if (steps <= 1)
        return steps * rows;
    if (rows >= GRU_BLOCK_ROWS)
        return rows;
    /* Neither factor is large, so that the product can't wrap round. */
    return gru_least(gru_least(steps, GRU_BLOCK_ROWS) * rows, GRU_BLOCK_ROWS);
}

/* The bytes of one row's states, and of its inputs in `steps` steps with their chains. */
static size_t states_bytes(const struct gru_layer *layer)
{
    return (layer->desc.reset == GRU_RESET_BEFORE ? 4 : 2) * layer->h_row * sizeof(float);
}

static size_t inputs_bytes(const struct gru_layer *layer, size_t steps)
{
    return steps * (layer->x_row + layer->ax_row) * sizeof(float);
}

struct gru_places gru_plan_part(const struct gru_plan *plan, const struct gru_layer *layer, size_t part, size_t first,
                                size_t count)
{
    const size_t row_bytes = inputs_bytes(layer, plan->block_steps) + states_bytes(layer);
    const size_t inputs = count * plan->block_steps, states = count * layer->h_row * sizeof(float);
    struct gru_places at;
    at.x = plan->rows_at + part * PART_GAP + first * row_bytes;
    at.ax = at.x + inputs * layer->x_row * sizeof(float);
    at.h[0] = at.ax + inputs * layer->ax_row * sizeof(float);
    at.h[1] = at.h[0] + states;
    at.s = at.h[1] + states;
    at.z = at.s + (layer->desc.reset == GRU_RESET_BEFORE ? states : 0);
    return at;
}

void gru_plan_make(struct gru_plan *plan, const struct gru_layer *layer, size_t steps, size_t rows)
{
    plan->block_steps = gru_plan_block_steps(steps, rows);
    plan->bytes = 0;
    plan->order = take(plan, rows, sizeof(size_t));
    plan->lengths = take(plan, rows, sizeof(size_t));
    plan->x_offset = take(plan, rows, sizeof(ptrdiff_t));
    plan->y_offset = take(plan, rows, sizeof(ptrdiff_t));
    plan->gate_offset = take(plan, rows, sizeof(ptrdiff_t));
    plan->rows_at = take(plan, inputs_bytes(layer, gru_plan_block_rows(steps, rows)) + rows * states_bytes(layer), 1);
    plan->rows = gru_plan_part(plan, layer, 0, 0, rows);
    plan->bytes += (most_parts(layer, rows) - 1) * PART_GAP;
    plan->apart = has_both(layer) ? plan->bytes + PART_GAP - plan->x_offset : 0;
    plan->bytes += plan->apart;
    const size_t pieces = gru_least(layer->directions * gru_most(layer->groups, rows), GRU_MAX_SLICES);
    plan->shared = take(plan, gru_most(gru_phases_bytes(pieces), gru_wave_bytes(GRU_MOST_FEEDERS + 1)), 1);
}
