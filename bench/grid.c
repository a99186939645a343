/* SPDX-License-Identifier: BSD-2-Clause */
/* grid.c: the cells that options ask for. */
#include "grid.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>

/* On the command line "kernels" stands for the five. */
static const char *const path_words[] = {"streaming", "sequence", "batch",  "gemv",    "gemm",
                                         "sigmoid",   "tanh",     "update", "kernels", NULL};

void grid_options(struct grid *grid, struct option options[GRID_OPTIONS])
{
    const struct option list[GRID_OPTIONS] = {
        {"path", OPTION_WORDS, &grid->paths, "streaming, sequence, batch, kernels (gemv, gemm, sigmoid, tanh, update)",
         path_words, 0, 0},
        {"hidden", OPTION_SIZES, &grid->hidden, "hidden sizes H, 1 to 16384", NULL, 1, 16384},
        {"input", OPTION_SIZES, &grid->input, "input sizes I; 0 stands for I = H, the default", NULL, 0, 16384},
        {"batch", OPTION_SIZES, &grid->batch, "rows B, of the paths that have them", NULL, 1, 65536},
        {"steps", OPTION_SIZE, &grid->steps, "steps T of sequences and batches (100 and 50)", NULL, 1, 100000},
        {"reset", OPTION_WORDS, &grid->resets, "after, before, none", reset_names, 0, 0},
        {"gates", OPTION_WORDS, &grid->gates, "sigmoid (the default), hard", gates_names, 0, 0},
        {"direction", OPTION_WORDS, &grid->directions, "forward (the default), reverse, both", direction_names, 0, 0},
        {"backend", OPTION_WORDS, &grid->backends, "back ends by name, or all; the best one by default", NULL, 0, 0},
        {"threads", OPTION_SIZES, &grid->threads, "threads of the library's team", NULL, 1, 256},
        {"layers", OPTION_SIZES, &grid->layers, "layers of a stack, all of H units, 1 to 8", NULL, 1, CELL_LAYERS},
        {"weights", OPTION_WORDS, &grid->weights, "types of the packed weights: f32", weight_names, 0, 0},
        {"tier", OPTION_WORDS, &grid->tiers, "activations: fast, faster, accurate, sleef", tier_names, 0, 0},
        {"cold", OPTION_FLAG, &grid->cold, "all caches are emptied before each call", NULL, 0, 0},
        {"pause", OPTION_SIZE, &grid->pause, "microseconds that the caller sleeps before each call", NULL, 0, 1000000},
    };
    memcpy(options, list, sizeof list);
}

static struct size_list sizes_or(const struct size_list *given, const size_t *otherwise, size_t count)
{
    if (given->count)
        return *given;
    struct size_list list = {.count = count};
    memcpy(list.at, otherwise, count * sizeof *otherwise);
    return list;
}

static void words_or_first(struct word_list *list)
{
    if (list->count == 0)
        list->count = 1;
}

struct builder {
    const struct grid *grid;
    struct cell_spec *cells;
    size_t count;
    size_t room;
};

static void add(struct builder *builder, struct cell_spec spec)
{
    if (builder->count == builder->room) {
        size_t room = builder->room ? 2 * builder->room : 64;
        struct cell_spec *cells = take(room, sizeof *cells);
        if (builder->count)
            memcpy(cells, builder->cells, builder->count * sizeof *cells);
        free(builder->cells);
        builder->cells = cells;
        builder->room = room;
    }
    cell_must_fit(&spec);
    builder->cells[builder->count++] = spec;
}

/* The sizes of a path that nobody narrowed: what fits the time, and what models use. */
static struct size_list hidden_of(const struct grid *grid, enum path path)
{
    /* Quick: a size that latency binds, one in the L2 and one beyond it. The kernels have fewer sizes than the layers:
     * they are to tell which part of a step lost time. */
    static const size_t all[] = {8, 16, 32, 64, 128, 256, 512, 1024, 2048};
    static const size_t batched[] = {64, 128, 256, 512, 1024};
    static const size_t products[] = {64, 256, 1024};
    static const size_t arrays[] = {256, 4096};
    static const size_t few[] = {16, 64, 256};
    if (path > PATH_GEMM)
        return sizes_or(&grid->hidden, arrays, grid->quick ? 1 : 2);
    if (grid->quick)
        return sizes_or(&grid->hidden, path == PATH_STREAMING || path == PATH_SEQUENCE ? few : few + 1,
                        path == PATH_STREAMING || path == PATH_SEQUENCE ? 3 : 2);
    if (path == PATH_GEMV || path == PATH_GEMM)
        return sizes_or(&grid->hidden, products, 3);
    return path == PATH_BATCH ? sizes_or(&grid->hidden, batched, 5) : sizes_or(&grid->hidden, all, 9);
}

static struct size_list batch_of(const struct grid *grid, enum path path)
{
    static const size_t batches[] = {4, 16, 64};
    static const size_t one[] = {1};
    if (path == PATH_BATCH)
        return sizes_or(&grid->batch, grid->quick ? batches + 1 : batches, grid->quick ? 1 : 3);
    if (path == PATH_GEMM)
        return sizes_or(&grid->batch, batches + 1, 1);
    /* --batch means the paths that have rows; streaming has them when it is asked for alone. */
    bool alone = path == PATH_STREAMING && grid->paths.count == 1;
    return alone ? sizes_or(&grid->batch, one, 1) : sizes_or(&(struct size_list){0}, one, 1);
}

/* Long enough that the input's one product and the call's own cost are a small part; batches cost more a step. */
static size_t steps_of(const struct grid *grid, enum path path)
{
    if (path == PATH_SEQUENCE)
        return grid->steps ? grid->steps : 100;
    if (path == PATH_BATCH)
        return grid->steps ? grid->steps : 50;
    return 1;
}

/* So many layers of H units one above the other. */
static struct cell_spec stacked(struct cell_spec spec, size_t layers)
{
    spec.deeper = layers - 1;
    for (size_t i = 0; i < spec.deeper; i++)
        spec.deep[i] = spec.hidden;
    return spec;
}

/* The axes that only layers have: how many of them, directions, gates, reset and threads. */
static void add_variants(struct builder *builder, struct cell_spec spec)
{
    const struct grid *grid = builder->grid;
    if (!path_is_layer(spec.path)) {
        spec.threads = 1;
        add(builder, spec);
        return;
    }
    for (size_t l = 0; l < grid->layers.count; l++)
        for (size_t d = 0; d < grid->directions.count; d++)
            for (size_t g = 0; g < grid->gates.count; g++)
                for (size_t r = 0; r < grid->resets.count; r++)
                    for (size_t t = 0; t < grid->threads.count; t++) {
                        spec.direction = (enum gru_direction)grid->directions.at[d];
                        spec.gates = (enum gru_gates)grid->gates.at[g];
                        spec.reset = (enum gru_reset)grid->resets.at[r];
                        spec.threads = grid->threads.at[t];
                        add(builder, stacked(spec, grid->layers.at[l]));
                    }
}

static void add_path(struct builder *builder, enum path path, struct cell_spec spec)
{
    const struct grid *grid = builder->grid;
    struct size_list hidden = hidden_of(grid, path);
    struct size_list batch = batch_of(grid, path);
    static const size_t as_hidden[] = {0};
    struct size_list input = sizes_or(path <= PATH_GEMM ? &grid->input : &(struct size_list){0}, as_hidden, 1);
    spec.path = path;
    spec.steps = steps_of(grid, path);
    for (size_t h = 0; h < hidden.count; h++)
        for (size_t i = 0; i < input.count; i++)
            for (size_t b = 0; b < batch.count; b++) {
                spec.hidden = hidden.at[h];
                spec.input = input.at[i] ? input.at[i] : spec.hidden;
                spec.batch = batch.at[b];
                add_variants(builder, spec);
            }
}

/* Names of the back ends: those given, all, or the best. */
static size_t backend_names(const struct word_list *given, const struct library *library, const char *names[16])
{
    size_t n = 0;
    bool all = given->count == 1 && strcmp(given->text[0], "all") == 0;
    for (size_t i = 0; all && library->backend_at(i) && n < 16; i++)
        names[n++] = library->backend_name(library->backend_at(i));
    if (all)
        return n;
    for (size_t i = 0; i < (given->count ? given->count : 1) && n < 16; i++) {
        const gru_backend *backend;
        gru_error error;
        if (library->backend_find(&backend, given->count ? given->text[i] : NULL, &error) != GRU_OK)
            fail("%s", error.text);
        names[n++] = library->backend_name(backend);
    }
    return n;
}

/* The other kernels have no activation, so a second tier would measure them twice. */
static bool has_tier(enum path path)
{
    return path_is_layer(path) || path == PATH_SIGMOID || path == PATH_TANH;
}

struct cell_spec *grid_cells(const struct grid *asked, const struct library *library, size_t *count)
{
    struct grid grid = *asked;
    words_or_first(&grid.weights);
    words_or_first(&grid.tiers);
    words_or_first(&grid.directions);
    words_or_first(&grid.gates);
    if (grid.resets.count == 0)
        /* Without a reset there is a product less: no other code, so no cell of the default grid. */
        grid.resets = (struct word_list){.count = grid.quick ? 1 : 2, .at = {GRU_RESET_AFTER, GRU_RESET_BEFORE}};
    if (grid.threads.count == 0)
        grid.threads = (struct size_list){1, {1}};
    if (grid.layers.count == 0)
        grid.layers = (struct size_list){1, {1}};
    bool wanted[PATH_COUNT] = {false};
    for (size_t i = 0; i < grid.paths.count; i++)
        for (size_t path = 0; path < PATH_COUNT; path++)
            wanted[path] |= grid.paths.at[i] == path || (grid.paths.at[i] == PATH_COUNT && path >= PATH_GEMV);

    const char *names[16];
    size_t backends = backend_names(&grid.backends, library, names);
    struct builder builder = {.grid = &grid};
    for (size_t k = 0; k < backends; k++)
        for (size_t w = 0; w < grid.weights.count; w++)
            for (size_t t = 0; t < grid.tiers.count; t++) {
                struct cell_spec spec = {.weights = (enum gru_weight_type)grid.weights.at[w],
                                         .tier = (enum gru_tier)grid.tiers.at[t],
                                         .cold = grid.cold,
                                         .pause = grid.pause};
                snprintf(spec.backend, sizeof spec.backend, "%s", names[k]);
                for (size_t path = 0; path < PATH_COUNT; path++)
                    if ((wanted[path] || grid.paths.count == 0) && (t == 0 || has_tier((enum path)path)))
                        add_path(&builder, (enum path)path, spec);
            }
    *count = builder.count;
    return builder.cells;
}
