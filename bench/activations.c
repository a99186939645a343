/* SPDX-License-Identifier: BSD-2-Clause */
/* activations.c: `grubench activations`: sigmoid, tanh, the update and the gate block, each tier and back end, beside
 * SLEEF, libmvec, libm and a bare rational function, in one interleaved run. */
#include "activations_isa.h"
#include "bench.h"
#include "cell.h"
#include "clock.h"
#include "options.h"
#include "progress.h"
#include "quiet.h"
#include "sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Three back ends have some 110 contestants. */
enum { CONTESTANTS_MAX = 128, BACKENDS_MAX = 8, ROWS_MAX = 16 };

/* Samples of one placement, between which all others have theirs; then all arrays and layers are made anew. */
enum { TURNS = 12 };
/* Half of a cell's sample: everybody's turn then comes round within 10 ms, before the neighbours have changed. */
static const double sample_ns = 0.5 * SAMPLE_NS;

/* A gate block's chains, states and results then lie in the first-level cache too: 32 bytes a unit. */
enum { BLOCK_UNITS = 256 };

/* The first three in the order of enum yardstick's functions. */
enum section {
    SECTION_SIGMOID = YARDSTICK_SIGMOID,
    SECTION_TANH = YARDSTICK_TANH,
    SECTION_BLOCK = YARDSTICK_BLOCK,
    SECTION_CHAIN,
    SECTION_UPDATE,
    SECTION_STEP_ROW,
    SECTION_STEP_BATCH,
    SECTIONS
};

/* The array functions' sections have `hidden` from --count; the gate block, which no path has, is over the arrays
 * of one of them. H = 32 is small enough that the block weighs, and whole vectors on each back end. */
static const struct {
    const char *title;
    struct cell_spec spec;
} sections[SECTIONS] = {
    {"sigmoid", {.path = PATH_SIGMOID, .batch = 1, .steps = 1}},
    {"tanh", {.path = PATH_TANH, .batch = 1, .steps = 1}},
    {"gate block", {.path = PATH_SIGMOID, .batch = 1, .steps = 1}},
    {"a gate block after another", {.path = PATH_SIGMOID, .batch = 1, .steps = 1}},
    {"update", {.path = PATH_UPDATE, .batch = 1, .steps = 1}},
    {"step, I = H = 32, B = 1", {.path = PATH_STREAMING, .input = 32, .hidden = 32, .batch = 1, .steps = 1}},
    {"step, I = H = 32, B = 16", {.path = PATH_STREAMING, .input = 32, .hidden = 32, .batch = 16, .steps = 1}},
};

static bool is_block(enum section section)
{
    return section == SECTION_BLOCK || section == SECTION_CHAIN;
}

/* One cell of a table: libgru's own, or a function over the arrays that libgru's would get. */
struct contestant {
    enum section section;
    const char *row;
    struct cell_spec spec;
    yardstick_function *function; /* NULL: the cell's path */
    struct cell cell;
    size_t calls;
    struct samples cycles; /* a value, or a unit and row */
    double error;
};

struct field {
    size_t count;
    struct contestant *contestant;
    size_t backends;
    const char *backend[BACKENDS_MAX];
    double values; /* of the arrays */
};

static void add(struct field *field, enum section section, const char *row, struct cell_spec spec,
                yardstick_function *function)
{
    if (field->count == CONTESTANTS_MAX)
        fail("more than %d contestants", CONTESTANTS_MAX);
    field->contestant[field->count++] =
        (struct contestant){.section = section, .row = row, .spec = spec, .function = function};
}

static void add_yardsticks(struct field *field, enum section section, struct cell_spec spec)
{
    static const char *const names[YARDSTICK_COUNT] = {"SLEEF u10", "SLEEF u35", "libmvec", "libm, a loop",
                                                       "rational 4/4, clamped"};
    const struct activations_isa *isa = activations_isa_named(spec.backend);
    bool opened = isa && isa->open();
    for (int i = 0; isa && i < YARDSTICK_COUNT; i++) {
        yardstick_function *function = isa->function[i][section];
        if (function && (i != YARDSTICK_MVEC || opened))
            add(field, section, names[i], spec, function);
    }
}

/* libgru's own rows, by their tier, and what they are called without the product. */
static const char *const tier_rows[] = {"libgru fast", "libgru faster", "libgru accurate", "libgru sleef"};
static const char *const rest_rows[] = {"fast, less that", "faster, less that", "accurate, less that",
                                        "sleef, less that"};

/* libgru's own, of one section. */
static void add_tiers(struct field *field, enum section section, struct cell_spec spec)
{
    const struct activations_isa *isa = activations_isa_named(spec.backend);
    for (int tier = GRU_TIER_FAST; tier <= GRU_TIER_SLEEF; tier++) {
        spec.tier = (enum gru_tier)tier;
        if (!is_block(section))
            add(field, section, tier_rows[tier], spec, NULL);
        else if (isa)
            add(field, section, tier_rows[tier], spec,
                isa->own[section == SECTION_CHAIN ? OWN_CHAIN : OWN_BLOCK][tier]);
    }
}

static void add_backend(struct field *field, const char *backend)
{
    for (int i = 0; i < SECTIONS; i++) {
        const enum section section = (enum section)i;
        struct cell_spec spec = sections[section].spec;
        spec.threads = 1;
        snprintf(spec.backend, sizeof spec.backend, "%s", backend);
        if (!path_is_layer(spec.path))
            spec.input = spec.hidden = is_block(section) ? BLOCK_VALUES * BLOCK_UNITS : (size_t)field->values;
        if (section == SECTION_UPDATE)
            add(field, section, "libgru", spec, NULL);
        else
            add_tiers(field, section, spec);
        /* Others' functions have no tier of ours; `fast` only gives them a cell with the arrays. */
        if (section <= SECTION_BLOCK)
            add_yardsticks(field, section, spec);
        if (!path_is_layer(spec.path))
            continue;
        /* The same multiply-adds through a gate without an activation. */
        spec.path = spec.batch == 1 ? PATH_GEMV : PATH_GEMM;
        spec.input *= 2;
        add(field, section, "its product alone", spec, NULL);
    }
}

static void call(struct contestant *one)
{
    if (one->function)
        one->function(one->spec.hidden, one->cell.x, one->cell.y);
    else
        cell_run(&one->cell);
}

static double run_calls(struct contestant *one)
{
    uint64_t start = clock_ticks();
    for (size_t i = 0; i < one->calls; i++)
        call(one);
    return clock_between(start, clock_ticks());
}

static double sigmoid_of(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* The new state of a unit, in double (activations_block.h says where what stands). */
static double block_of(const float *x, size_t units, size_t lanes, size_t unit)
{
    const float *ax = x + unit / lanes * 3 * lanes + unit % lanes, *ah = ax + 3 * units;
    double r = sigmoid_of((double)ax[0] + (double)ah[0]);
    double z = sigmoid_of((double)ax[lanes] + (double)ah[lanes]);
    double n = tanh((double)ax[2 * lanes] + r * (double)ah[2 * lanes]);
    return z * (double)x[6 * units + unit] + (1.0 - z) * n;
}

/* What the contestant's time is divided by: its values, units of rows, or blocks in a chain. */
static size_t results(const struct contestant *one)
{
    return is_block(one->section) ? BLOCK_UNITS : one->spec.hidden * one->spec.batch;
}

static void find_error(struct contestant *one)
{
    for (size_t i = 0; one->section <= SECTION_BLOCK && i < results(one); i++) {
        double x = (double)one->cell.x[i];
        double truth = one->section == SECTION_SIGMOID ? sigmoid_of(x)
                       : one->section == SECTION_TANH
                           ? tanh(x)
                           : block_of(one->cell.x, BLOCK_UNITS, activations_isa_named(one->spec.backend)->lanes, i);
        one->error = fmax(one->error, fabs((double)one->cell.y[i] - truth));
    }
}

/* New arrays and layers for everybody, all at the places that one seed gives: two functions over arrays that lie
 * differently in their pages differ by up to 20 % for that alone. A tier that the CPU lacks drops out. */
static void open_all(struct field *field, uint64_t seed)
{
    size_t kept = 0;
    for (size_t i = 0; i < field->count; i++) {
        struct contestant *one = &field->contestant[i];
        struct random random = {seed};
        gru_error why;
        if (!cell_open(&one->cell, &library_linked, &one->spec, &random, &why))
            continue;
        one->calls = 1;
        /* What is checked is what was timed: the same arrays, at the same places. */
        call(one);
        find_error(one);
        while (run_calls(one) < sample_ns && one->calls < 1u << 20)
            one->calls *= 2;
        if (kept != i)
            field->contestant[kept] = *one;
        kept++;
    }
    field->count = kept;
}

static void sample(struct contestant *one)
{
    /* Twice: the first brings frequency and caches to this contestant's level. */
    run_calls(one);
    bool quiet = quiet_now();
    double ns = run_calls(one);
    double cycles = ns * clock_core_ghz() / (double)one->calls / (double)results(one);
    quiet = quiet_now() && quiet;
    samples_add(&one->cycles, cycles, quiet);
}

static void measure(struct field *field, double seconds, uint64_t seed)
{
    struct progress progress;
    progress_start(&progress, "activations", 1);
    struct random random = {seed};
    size_t order[CONTESTANTS_MAX];
    double start = clock_seconds();
    double time = 0.0;
    /* Three placements at least, whatever the time: of one alone nobody could say what its addresses did. */
    for (size_t placement = 0; placement < 3 || (time < seconds && placement < STATS_SAMPLES / TURNS); placement++) {
        open_all(field, random_next(&random));
        for (int turn = 0; turn < TURNS; turn++) {
            for (size_t i = 0; i < field->count; i++)
                order[i] = i;
            random_shuffle(&random, order, field->count);
            for (size_t i = 0; i < field->count; i++)
                sample(&field->contestant[order[i]]);
        }
        for (size_t i = 0; i < field->count; i++)
            cell_close(&field->contestant[i].cell);
        time = clock_seconds() - start;
        progress_at(&progress, time / seconds, "");
    }
    progress_end(&progress);
}

static struct contestant *find(const struct field *field, enum section section, const char *row, const char *backend)
{
    for (size_t i = 0; i < field->count; i++)
        if (field->contestant[i].section == section && strcmp(field->contestant[i].row, row) == 0 &&
            strcmp(field->contestant[i].spec.backend, backend) == 0)
            return &field->contestant[i];
    return NULL;
}

/* The section's rows, each once, in the order in which they were added. */
static size_t rows_of(const struct field *field, enum section section, const char *rows[ROWS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < field->count; i++) {
        const struct contestant *one = &field->contestant[i];
        bool known = one->section != section;
        for (size_t k = 0; k < n; k++)
            known |= strcmp(rows[k], one->row) == 0;
        if (!known && n < ROWS_MAX)
            rows[n++] = one->row;
    }
    return n;
}

/* Not of a single row: its product alone has fewer chains at a time, of twice the length, and so waits longer for its own
 * FMAs than the step does with its two matrices side by side; the difference came out negative. */
static void print_rests(const struct field *field)
{
    for (int tier = GRU_TIER_FAST; tier <= GRU_TIER_SLEEF; tier++) {
        printf("%-26s", rest_rows[tier]);
        for (size_t b = 0; b < field->backends; b++) {
            struct contestant *step = find(field, SECTION_STEP_BATCH, tier_rows[tier], field->backend[b]);
            struct contestant *product = find(field, SECTION_STEP_BATCH, "its product alone", field->backend[b]);
            if (step && product)
                printf(" %8.3g", samples_median(&step->cycles) - samples_median(&product->cycles));
            else
                printf(" %8s", "-");
        }
        puts("");
    }
}

static void print_section(const struct field *field, enum section section)
{
    printf("\n%-26s", sections[section].title);
    for (size_t b = 0; b < field->backends; b++)
        printf(" %8s", field->backend[b]);
    puts(section <= SECTION_BLOCK ? "  worst error" : "");
    const char *rows[ROWS_MAX];
    size_t n = rows_of(field, section, rows);
    for (size_t r = 0; r < n; r++) {
        double error = 0.0;
        printf("%-26s", rows[r]);
        for (size_t b = 0; b < field->backends; b++) {
            struct contestant *one = find(field, section, rows[r], field->backend[b]);
            if (one)
                printf(" %8.3g", samples_median(&one->cycles));
            else
                printf(" %8s", "-");
            error = one ? fmax(error, one->error) : error;
        }
        if (section <= SECTION_BLOCK)
            printf("  %.1e", error);
        puts("");
    }
    if (section == SECTION_STEP_BATCH)
        print_rests(field);
}

int activations_main(int argc, char **argv)
{
    size_t values = 1024;
    size_t seed = 1;
    double seconds = 8.0;
    const struct option options[] = {
        {"count", OPTION_SIZE, &values, "values of an array, a multiple of 16 (1024)", NULL, 16, 1 << 20},
        {"max-time", OPTION_NUMBER, &seconds, "seconds after which no round is begun (8)", NULL, 0.1, 1e5},
        {"seed", OPTION_SIZE, &seed, "of order, places and values (1)", NULL, 0, 1e15},
    };
    const struct command_line line = {"activations [options]",
                                      "Sigmoid, tanh, the update and the gate block of a step, each tier and back end, "
                                      "beside SLEEF, libmvec, libm and a\n"
                                      "bare rational function with a division, interleaved in one run: cycles a value.",
                                      options,
                                      sizeof options / sizeof *options,
                                      0,
                                      0};
    options_parse(&line, argc, argv, NULL);
    if (values % 16)
        fail("--count: %zu is no multiple of 16", values);
    bench_start();
    struct field field = {.values = (double)values, .contestant = take(CONTESTANTS_MAX, sizeof *field.contestant)};
    for (size_t i = 0; gru_backend_at(i) && i < BACKENDS_MAX; i++) {
        field.backend[field.backends++] = gru_backend_name(gru_backend_at(i));
        add_backend(&field, field.backend[i]);
    }
    double start = clock_seconds();
    measure(&field, seconds, seed);
    machine_print(stdout, machine_this());
    printf("Core cycles a value (of gate block and step: a unit of a row), %zu values of [-6, 6] in L1, or %d units;\n"
           "quiet medians; worst absolute error of those values.\n",
           values, BLOCK_UNITS);
    for (int section = 0; section < SECTIONS; section++)
        print_section(&field, (enum section)section);
    printf("\nThe gate block is two sigmoids, a tanh, the update, from chains in L1; after another: cycles from one\n"
           "vector of states to the next, which a step of one row takes after H dependent FMAs. The last rows are what\n"
           "a step of a batch takes beyond its product: the block, and what it costs to have it between tiles. A single\n"
           "row has no such rows: its product alone has fewer chains, each twice as long, and waits for its FMAs.\n"
           "%.1f s, %.0f %% of the probes quiet (%.2f FMA a cycle)\n",
           clock_seconds() - start, 100.0 * quiet_share(), quiet_level());
    free(field.contestant);
    return 0;
}
