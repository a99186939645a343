/* SPDX-License-Identifier: BSD-2-Clause */
/* cell.c: makes and runs one cell of the grid, through the public interface alone. */
#include "cell.h"

#include "machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool path_is_layer(enum path path)
{
    return path <= PATH_BATCH;
}

/* Matrices a half: without a reset there is no r. */
static double gates_of(const struct cell_spec *spec)
{
    return spec->reset == GRU_RESET_NONE ? 2.0 : 3.0;
}

size_t cell_directions(const struct cell_spec *spec)
{
    return spec->direction == GRU_BIDIRECTIONAL ? 2 : 1;
}

bool cell_is_single(const struct cell_spec *spec)
{
    return !spec->deeper && cell_directions(spec) == 1;
}

size_t cell_hidden(const struct cell_spec *spec, size_t layer)
{
    return layer == 0 ? spec->hidden : spec->deep[layer - 1];
}

size_t cell_input(const struct cell_spec *spec, size_t layer)
{
    return layer == 0 ? spec->input : cell_directions(spec) * cell_hidden(spec, layer - 1);
}

static double weights_of(const struct cell_spec *spec)
{
    double input = (double)spec->input;
    double hidden = (double)spec->hidden;
    double sum = 0.0;
    for (size_t i = 0; i <= spec->deeper; i++)
        sum += (double)cell_hidden(spec, i) * (double)(cell_input(spec, i) + cell_hidden(spec, i));
    if (path_is_layer(spec->path))
        return gates_of(spec) * sum * (double)cell_directions(spec);
    return spec->path == PATH_GEMV || spec->path == PATH_GEMM ? 3.0 * hidden * input : 0.0;
}

double cell_operations(const struct cell_spec *spec)
{
    return 2.0 * weights_of(spec) * (double)spec->batch;
}

double cell_weight_bytes(const struct cell_spec *spec)
{
    return 4.0 * weights_of(spec);
}

/* Both biases of each gate, as PyTorch counts them, though the packed layer may have joined them. */
double cell_parameters(const struct cell_spec *spec)
{
    double biases = 0.0;
    for (size_t i = 0; path_is_layer(spec->path) && i <= spec->deeper; i++)
        biases += 2.0 * gates_of(spec) * (double)(cell_directions(spec) * cell_hidden(spec, i));
    return weights_of(spec) + biases;
}

/* Of a row of y. */
static size_t width_of(const struct cell_spec *spec)
{
    return cell_directions(spec) * cell_hidden(spec, spec->deeper);
}

void cell_must_fit(const struct cell_spec *spec)
{
    double rows = (double)spec->steps * (double)spec->batch;
    double last = (double)width_of(spec);
    /* The weights as they are drawn and as they are packed; x, y, and the input's sums in the workspace. */
    double bytes = 2.0 * cell_weight_bytes(spec);
    if (spec->path <= PATH_GEMM)
        bytes += 4.0 * rows * ((double)spec->input + last + 3.0 * (double)spec->hidden);
    double most = machine_free_bytes();
    if (bytes > most)
        fail("%s needs %s, and %s are free", cell_label(spec), bytes_text(bytes), bytes_text(most));
}

/* Memory that starts at a random cache line of a page. Where arrays lie to one another within a page decides how their
 * loads and stores get on (20 % for an array kernel); so it is drawn from the seed: `ab` gives both builds the same
 * places, `speed` other ones in each repetition. */
static void *take_somewhere(size_t bytes, struct random *random)
{
    enum { PAGE = 4096, LINE = 64 };
    size_t whole = (bytes + 2 * PAGE - 1) / PAGE * PAGE;
    char *page = aligned_alloc(PAGE, whole);
    if (!page)
        fail("out of memory (%zu bytes)", bytes);
    memset(page, 0, whole);
    return page + LINE * random_below(random, PAGE / LINE);
}

/* The page's start is the allocation's, since no more than one page was skipped; NULL stays NULL. */
static void give_back(void *memory)
{
    free((char *)memory - (uintptr_t)memory % 4096);
}

/* Uniform in [-scale, scale]; a generator of one multiplication, since a large layer has 25 million weights. */
static float *random_floats(size_t count, float scale, struct random *random)
{
    float *values = take_somewhere(count * sizeof *values, random);
    uint32_t state = (uint32_t)random_next(random) | 1;
    /* Multiplier and increment are those of PCG's 32-bit generators; only the upper bits of its state are good, and a
     * float takes no others. */
    for (size_t i = 0; i < count; i++) {
        state = state * 747796405u + 2891336453u;
        values[i] = scale * ((float)(int32_t)state * 0x1p-31f);
    }
    return values;
}

/* Returns what lies behind the values that were taken. */
static const float *fill_weights(gru_weights *weights, const gru_desc *desc, const float *values)
{
    *weights = (gru_weights){.size = sizeof *weights};
    ptrdiff_t input = (ptrdiff_t)desc->input;
    ptrdiff_t hidden = (ptrdiff_t)desc->hidden;
    int first = desc->reset == GRU_RESET_NONE ? GRU_Z : GRU_R;
    for (int gate = first; gate <= GRU_N; gate++) {
        weights->w[gate] = (gru_matrix){values, input, 1};
        values += hidden * input;
        weights->u[gate] = (gru_matrix){values, hidden, 1};
        values += hidden * hidden;
        weights->bx[gate] = (gru_vector){values, 1};
        values += hidden;
        weights->bh[gate] = (gru_vector){values, 1};
        values += hidden;
    }
    return values;
}

/* Last of all, so that its place among the arrays is drawn too. */
static bool make_workspace(struct cell *cell, struct random *random, gru_error *why)
{
    const struct cell_spec *spec = &cell->spec;
    const struct library *library = cell->library;
    const gru_layer *const *layers = (const gru_layer *const *)cell->layers;
    enum gru_status status =
        !path_is_layer(spec->path) ? library->gate_workspace_bytes(cell->gate, spec->batch, &cell->workspace_bytes, why)
        : spec->deeper
            ? library->stack_workspace_bytes(layers, spec->deeper + 1, spec->steps, spec->batch, &cell->workspace_bytes,
                                             why)
            : library->workspace_bytes(cell->layers[0], spec->steps, spec->batch, &cell->workspace_bytes, why);
    if (status != GRU_OK)
        return false;
    cell->workspace = take_somewhere(cell->workspace_bytes, random);
    return true;
}

static size_t all_units(const struct cell_spec *spec)
{
    size_t sum = 0;
    for (size_t i = 0; i <= spec->deeper; i++)
        sum += cell_hidden(spec, i);
    return sum;
}

/* A single step updates its states in place, a sequence starts from zeros and gives every output. */
static void fill_io(struct cell *cell)
{
    const struct cell_spec *spec = &cell->spec;
    ptrdiff_t input = (ptrdiff_t)spec->input;
    ptrdiff_t batch = (ptrdiff_t)spec->batch;
    ptrdiff_t last = (ptrdiff_t)width_of(spec);
    cell->io = (gru_io){.size = sizeof cell->io,
                        .steps = spec->steps,
                        .rows = spec->batch,
                        .x = cell->x,
                        .x_step = batch * input,
                        .x_row = input};
    float *h = cell->h;
    for (size_t i = 0; i <= spec->deeper; i++) {
        ptrdiff_t hidden = (ptrdiff_t)cell_hidden(spec, i);
        cell->states[i] = (gru_state){.h = h, .h_row = hidden, .h_direction = batch * hidden};
        if (spec->steps == 1) {
            cell->states[i].h0 = h;
            cell->states[i].h0_row = hidden;
            cell->states[i].h0_direction = batch * hidden;
        }
        h += (ptrdiff_t)cell_directions(spec) * batch * hidden;
    }
    if (!spec->deeper)
        cell->io.state = cell->states[0];
    if (spec->steps > 1 || spec->deeper) {
        cell->io.y = cell->y;
        cell->io.y_step = batch * last;
        cell->io.y_row = last;
    }
    if (cell->team)
        cell->io.pool = cell->library->team_pool(cell->team);
}

static bool open_one(struct cell *cell, size_t which, struct random *random, gru_error *why)
{
    const struct cell_spec *spec = &cell->spec;
    gru_desc desc = {.size = sizeof desc,
                     .input = cell_input(spec, which),
                     .hidden = cell_hidden(spec, which),
                     .reset = spec->reset,
                     .gates = spec->gates,
                     .direction = spec->direction,
                     .bias = GRU_BIAS_SIX, /* what PyTorch and Keras train */
                     .tier = spec->tier,
                     .weight_type = spec->weights,
                     .backend = cell->backend};
    gru_weights weights[2];
    size_t count = cell_directions(spec) * 3 * desc.hidden * (desc.input + desc.hidden + 2);
    /* PyTorch's range: states then move as those of a trained layer do, and no gate is stuck at an end. */
    float *values = random_floats(count, 1.0f / sqrtf((float)desc.hidden), random);
    const float *next = values;
    for (size_t d = 0; d < cell_directions(spec); d++)
        next = fill_weights(&weights[d], &desc, next);
    bool good = cell->library->layer_create(&cell->layers[which], &desc, weights, NULL, why) == GRU_OK;
    give_back(values);
    return good;
}

/* Inputs that a single step gets in turn. With the same one each time its state would soon stand still, which no
 * stream's does. */
enum { STREAM_INPUTS = 16 };

static bool open_layers(struct cell *cell, struct random *random, gru_error *why)
{
    const struct cell_spec *spec = &cell->spec;
    for (size_t i = 0; i <= spec->deeper; i++)
        if (!open_one(cell, i, random, why))
            return false;
    if (spec->threads > 1) {
        /* A team yields if its creator has fewer CPUs than it has threads, so the pin must be off while they start. */
        machine_unpin();
        enum gru_status status = cell->library->team_create(&cell->team, spec->threads, NULL, why);
        machine_pin_all();
        if (status != GRU_OK)
            return false;
    }
    size_t rows = spec->steps * spec->batch;
    cell->x = random_floats((spec->steps == 1 ? STREAM_INPUTS : 1) * rows * spec->input, 1.0f, random);
    cell->h = random_floats(cell_directions(spec) * spec->batch * all_units(spec), 1.0f, random);
    cell->y = take_somewhere(rows * width_of(spec) * sizeof(float), random);
    fill_io(cell);
    if (!make_workspace(cell, random, why))
        return false;
    /* A library from before this field refuses it, and is called as it was then. */
    const gru_io nothing = {.size = sizeof nothing, .steps_before = 1};
    if (cell->library->run(cell->layers[0], &nothing, cell->workspace, cell->workspace_bytes, NULL) != GRU_OK)
        cell->io.size = offsetof(gru_io, steps_before);
    return true;
}

/* Three times H units, so that a GEMV and a GEMM have the shape of a layer's half, and its limit compares. */
static bool open_gate(struct cell *cell, struct random *random, gru_error *why)
{
    const struct cell_spec *spec = &cell->spec;
    float *weights = random_floats(3 * spec->hidden * spec->input, 1.0f / sqrtf((float)spec->input), random);
    gru_gate_desc desc = {.size = sizeof desc,
                          .units = 3 * spec->hidden,
                          .inputs = spec->input,
                          .activation = GRU_ACTIVATION_IDENTITY,
                          .tier = spec->tier,
                          .weight_type = spec->weights,
                          .backend = cell->backend,
                          .w = {weights, (ptrdiff_t)spec->input, 1}};
    bool good = cell->library->gate_create(&cell->gate, &desc, NULL, why) == GRU_OK;
    give_back(weights);
    if (!good)
        return false;
    cell->x = random_floats(spec->batch * spec->input, 1.0f, random);
    cell->y = take_somewhere(spec->batch * 3 * spec->hidden * sizeof(float), random);
    return make_workspace(cell, random, why);
}

bool cell_open(struct cell *cell, const struct library *library, const struct cell_spec *spec, struct random *random,
               gru_error *why)
{
    *cell = (struct cell){.library = library, .spec = *spec};
    bool good = library->backend_find(&cell->backend, spec->backend, why) == GRU_OK;
    if (good && path_is_layer(spec->path)) {
        good = open_layers(cell, random, why);
    } else if (good && (spec->path == PATH_GEMV || spec->path == PATH_GEMM)) {
        good = open_gate(cell, random, why);
    } else if (good) {
        /* Wide enough that tanh and sigmoid see their whole range; the update's z among them lies outside [0, 1],
         * which costs it nothing. */
        cell->x = random_floats(3 * spec->hidden, 6.0f, random);
        cell->y = take_somewhere(spec->hidden * sizeof(float), random);
    }
    if (!good)
        cell_close(cell);
    return good;
}

void cell_close(struct cell *cell)
{
    for (size_t i = 0; i <= cell->spec.deeper; i++)
        if (cell->layers[i])
            cell->library->layer_destroy(cell->layers[i]);
    if (cell->gate)
        cell->library->gate_destroy(cell->gate);
    if (cell->team)
        cell->library->team_destroy(cell->team);
    give_back(cell->x);
    give_back(cell->h);
    give_back(cell->y);
    give_back(cell->workspace);
    *cell = (struct cell){.library = cell->library, .spec = cell->spec};
}

void cell_warm(struct cell *cell)
{
    size_t steps = cell->io.steps;
    cell->io.steps = steps < 2 ? steps : 2;
    cell_run(cell);
    cell->io.steps = steps;
}

void cell_run(struct cell *cell)
{
    const struct library *library = cell->library;
    const struct cell_spec *spec = &cell->spec;
    size_t n = spec->hidden;
    enum gru_status status = GRU_OK;
    gru_error why = {.text = ""};
    switch (spec->path) {
    case PATH_STREAMING:
    case PATH_SEQUENCE:
    case PATH_BATCH:
        if (spec->steps == 1) {
            cell->io.x = cell->x + cell->io.steps_before % STREAM_INPUTS * spec->batch * spec->input;
            cell->io.steps_before++;
        }
        status = spec->deeper ? library->run_stack((const gru_layer *const *)cell->layers, spec->deeper + 1, &cell->io,
                                                   cell->states, cell->workspace, cell->workspace_bytes, &why)
                              : library->run(cell->layers[0], &cell->io, cell->workspace, cell->workspace_bytes, &why);
        break;
    case PATH_GEMV:
    case PATH_GEMM:
        status = library->gate_run(cell->gate, spec->batch, cell->x, (ptrdiff_t)spec->input, NULL, 0, cell->y,
                                   (ptrdiff_t)(3 * n), cell->workspace, cell->workspace_bytes, &why);
        break;
    case PATH_SIGMOID:
        status = library->sigmoid(cell->backend, spec->tier, n, cell->x, cell->y, &why);
        break;
    case PATH_TANH:
        status = library->tanh(cell->backend, spec->tier, n, cell->x, cell->y, &why);
        break;
    case PATH_UPDATE:
        status = library->update_blend(cell->backend, GRU_UPDATE_KEEP, n, cell->x, cell->x + n, cell->x + 2 * n,
                                       cell->y, &why);
        break;
    case PATH_COUNT:
        break;
    }
    if (status != GRU_OK)
        fail("%s: %s", cell_label(spec), why.text);
}
