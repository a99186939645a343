/* SPDX-License-Identifier: BSD-2-Clause */
/* ab.c: `grubench ab`: two builds of the library, interleaved. */
#include "ab.h"
#include "bench.h"
#include "clock.h"
#include "grid.h"
#include "progress.h"
#include "quiet.h"
#include "sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A block: 50 us of one build, in ABBA order, so that linear drift hits both alike. Short ones, since a neighbour's
 * bursts last milliseconds: they then cover whole ABBA blocks and cancel. With four blocks of 0.4 ms each instead,
 * bounds were two to four times as wide. */
static const double block_ns = 50000.0;
enum { BLOCKS = 16 };

struct contest {
    const char *paths[2]; /* old, new */
    struct cell_spec *specs;
    size_t count;
    double margin;
    double seconds;
    struct random random;
    struct ab_cell *cells;
    struct half *half; /* where a child process leaves what it measured */
    const char *json;
};

struct half {
    double ratio[AB_CELLS_MAX];
    struct quiet_counts quiet;
};

static const char *const decision_words[] = {"no change found, but some bounds are wider than the margin", "no change",
                                             "changed"};

/* Each kernel alone, and whole steps of a size that each cache level holds; half a second a round would be too long, so
 * none of the large ones. */
static size_t default_specs(struct cell_spec *specs, const char *backend)
{
    const struct cell_spec list[] = {
        {.path = PATH_GEMV, .input = 64, .hidden = 64, .batch = 1, .steps = 1},
        {.path = PATH_GEMM, .input = 64, .hidden = 64, .batch = 16, .steps = 1},
        {.path = PATH_SIGMOID, .input = 1024, .hidden = 1024, .batch = 1, .steps = 1},
        {.path = PATH_TANH, .input = 1024, .hidden = 1024, .batch = 1, .steps = 1},
        {.path = PATH_UPDATE, .input = 1024, .hidden = 1024, .batch = 1, .steps = 1},
        {.path = PATH_STREAMING, .input = 32, .hidden = 32, .batch = 1, .steps = 1},
        {.path = PATH_STREAMING, .input = 128, .hidden = 128, .batch = 1, .steps = 1, .reset = GRU_RESET_BEFORE},
        {.path = PATH_SEQUENCE, .input = 64, .hidden = 64, .batch = 1, .steps = 50},
        {.path = PATH_BATCH, .input = 64, .hidden = 64, .batch = 16, .steps = 10},
    };
    size_t n = sizeof list / sizeof *list;
    for (size_t i = 0; i < n; i++) {
        specs[i] = list[i];
        specs[i].threads = 1;
        snprintf(specs[i].backend, sizeof specs[i].backend, "%s", backend);
    }
    return n;
}

static void open_or_fail(struct cell *cell, const struct library *library, const struct cell_spec *spec, uint64_t seed,
                         const char *path)
{
    /* Both builds get the same weights and inputs. */
    struct random random = {seed};
    gru_error why = {.text = ""};
    if (!cell_open(cell, library, spec, &random, &why))
        fail("%s: %s: %s", path, cell_label(spec), why.text);
}

/* The log ratio of one cell with the layers made in one order: the median over ABBA blocks, those of quiet windows if
 * there were any. All that could favour one of the two, such as where its cell lies on the stack (3 % of a step of H =
 * 32), goes by who comes first and not by who is new, since the other half of the round turns that round. */
static double contest_cell(struct contest *contest, const struct library *const *libraries,
                           const struct cell_spec *spec, size_t first)
{
    struct cell cell[2]; /* that of `first`, and the other */
    uint64_t seed = random_next(&contest->random);
    open_or_fail(&cell[0], libraries[first], spec, seed, contest->paths[first]);
    open_or_fail(&cell[1], libraries[1 - first], spec, seed, contest->paths[1 - first]);
    /* By ten at a time at most: the first call's time has page faults and cold caches in it. Both builds then get the
     * same number of calls, so that a block is the same work. */
    size_t calls = 1;
    for (double ns = sample_calls(&cell[0], 1); ns < block_ns && calls < 1000000; ns = sample_calls(&cell[0], calls))
        calls = ns > 0.0 ? (size_t)((double)calls * fmin(10.0, 1.1 * block_ns / ns)) + 1 : calls * 10;
    sample_calls(&cell[1], calls);
    double quiet[BLOCKS], all[BLOCKS];
    size_t quiet_count = 0;
    for (size_t block = 0; block < BLOCKS; block++) {
        size_t a = random_below(&contest->random, 2);
        bool before = quiet_now();
        double outer = sample_calls(&cell[a], calls);
        double inner = sample_calls(&cell[1 - a], calls);
        inner += sample_calls(&cell[1 - a], calls);
        outer += sample_calls(&cell[a], calls);
        /* Of the new build's time to the old one's, which cell 0 has if it comes first. */
        all[block] = a == first ? log(inner / outer) : log(outer / inner);
        if (before && quiet_now())
            quiet[quiet_count++] = all[block];
    }
    cell_close(&cell[0]);
    cell_close(&cell[1]);
    return quiet_count ? stats_median(quiet, quiet_count) : stats_median(all, BLOCKS);
}

/* Half a round: fresh private copies of both builds, loaded and given their layers in this order, and each cell once,
 * in random order. Fresh, since the pages that a build's code and tables get are part of its luck, which becomes part
 * of the spread only if it changes. */
static void contest_here(struct contest *contest, size_t first, double *ratio)
{
    struct library loaded[2];
    library_load(&loaded[first], contest->paths[first]);
    library_load(&loaded[1 - first], contest->paths[1 - first]);
    const struct library *libraries[2] = {&loaded[0], &loaded[1]};
    size_t order[AB_CELLS_MAX];
    for (size_t i = 0; i < contest->count; i++)
        order[i] = i;
    random_shuffle(&contest->random, order, contest->count);
    for (size_t i = 0; i < contest->count; i++)
        ratio[order[i]] = contest_cell(contest, libraries, &contest->specs[order[i]], first);
}

/* The same in a process of its own: libgru is linked so that it is never unloaded, and a copy loaded under a name that
 * another one once had is that other one. */
static void contest_half(struct contest *contest, size_t first, double *ratio)
{
    /* What the child draws, this process doesn't: another stream for each child. */
    contest->random.state = random_next(&contest->random);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        contest_here(contest, first, contest->half->ratio);
        contest->half->quiet = quiet_counts();
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        fail("no process can be started to measure in");
    if (WIFSIGNALED(status))
        fail("a build was ended by signal %d while it was measured", WTERMSIG(status));
    if (status != 0) /* it has said why */
        exit(WEXITSTATUS(status));
    memcpy(ratio, contest->half->ratio, contest->count * sizeof *ratio);
    quiet_count_on(contest->half->quiet);
}

/*
 * A round: both halves. Who comes first gets other addresses, in some processes worth 3 % either way in an array
 * kernel: rounds of one half then fall into two heaps, between which a median wanders. In the mean of both halves that
 * cancels.
 */
static void contest_round(struct contest *contest, size_t round)
{
    double half[2][AB_CELLS_MAX];
    size_t first = random_below(&contest->random, 2);
    contest_half(contest, first, half[0]);
    contest_half(contest, 1 - first, half[1]);
    for (size_t i = 0; i < contest->count; i++)
        contest->cells[i].ratio[round] = 0.5 * (half[0][i] + half[1][i]);
}

static enum ab_decision contest_run(struct contest *contest, size_t *rounds)
{
    struct progress progress;
    progress_start(&progress, "ab", 1);
    double start = clock_seconds();
    enum ab_decision decision = AB_OPEN;
    size_t look = 0;
    bool late = false;
    for (*rounds = 0; decision == AB_OPEN && !late && *rounds < AB_ROUNDS_MAX;) {
        contest_round(contest, (*rounds)++);
        double time = clock_seconds() - start;
        /* Another round would end too late. The look that is then taken out of turn counts as the next one: each has
         * its share of the 1 % (AB_LEVEL), whenever it comes. */
        late = time + time / (double)*rounds > contest->seconds;
        progress_at(&progress, time / contest->seconds, "");
        if (*rounds < ab_looks[look] && !late)
            continue;
        ab_bounds(contest->cells, contest->count, *rounds, AB_LEVEL, &contest->random);
        decision = ab_decide(contest->cells, contest->count, contest->margin);
        look++;
    }
    progress_end(&progress);
    return decision;
}

static void print_contest(const struct contest *contest, size_t rounds, double seconds, enum ab_decision decision)
{
    int width = 28;
    for (size_t i = 0; i < contest->count; i++)
        width = (int)fmax(width, (double)strlen(cell_label(&contest->specs[i])));
    printf("%-*s %8s  %-20s\n", width, "cell", "change", "99 % bounds, all cells");
    for (size_t i = 0; i < contest->count; i++) {
        const struct ab_cell *cell = &contest->cells[i];
        const char *word = cell->low > contest->margin ? "  SLOWER" : cell->high < -contest->margin ? "  faster" : "";
        printf("%-*s %+7.2f%%  ", width, cell_label(&contest->specs[i]), 100.0 * expm1(cell->median));
        if (rounds < ab_looks[0])
            printf("unknown: fewer than %zu rounds\n", ab_looks[0]);
        else
            printf("%+7.2f%% to %+7.2f%%%s\n", 100.0 * expm1(cell->low), 100.0 * expm1(cell->high), word);
    }
    printf("%zu rounds in %.1f s, %.0f %% of the probes quiet: %s\n", rounds, seconds, 100.0 * quiet_share(),
           decision_words[decision]);
}

/* The same for a script: changes and bounds as shares, 0.05 for 5 % slower. */
static void write_contest(const struct contest *contest, size_t rounds, double seconds, enum ab_decision decision)
{
    cJSON *json = json_object();
    json_put_text(json, "grubench", "ab");
    json_put_text(json, "old", contest->paths[0]);
    json_put_text(json, "new", contest->paths[1]);
    json_put_text(json, "decision", decision_words[decision]);
    json_put_number(json, "margin", expm1(contest->margin));
    json_put_number(json, "rounds", (double)rounds);
    json_put_number(json, "seconds", seconds);
    json_put_number(json, "quiet_share", quiet_share());
    cJSON *cells = json_put_array(json, "cells");
    for (size_t i = 0; i < contest->count; i++) {
        const struct ab_cell *cell = &contest->cells[i];
        cJSON *entry = json_append_object(cells);
        char *name = cell_name(&contest->specs[i]);
        json_put_text(entry, "name", name);
        free(name);
        json_put_number(entry, "change", expm1(cell->median));
        json_put_number(entry, "low", expm1(cell->low));
        json_put_number(entry, "high", expm1(cell->high));
    }
    json_write(json, contest->json);
    cJSON_Delete(json);
}

/* The cells of --path, or the default set on the best back end or the one given. */
static void choose_cells(struct contest *contest, const struct grid *grid, const struct library *library)
{
    if (grid->paths.count) {
        contest->specs = grid_cells(grid, library, &contest->count);
    } else {
        const gru_backend *backend;
        gru_error why;
        if (library->backend_find(&backend, grid->backends.count ? grid->backends.text[0] : NULL, &why) != GRU_OK)
            fail("%s", why.text);
        contest->specs = take(AB_CELLS_MAX, sizeof *contest->specs);
        contest->count = default_specs(contest->specs, library->backend_name(backend));
    }
    if (contest->count > AB_CELLS_MAX)
        fail("%zu cells are too many, at most %d", contest->count, AB_CELLS_MAX);
    contest->cells = take(contest->count, sizeof *contest->cells);
}

static void read_request(struct contest *contest, struct grid *grid, int argc, char **argv)
{
    double margin = 2.0;
    size_t seed = 0;
    struct option options[GRID_OPTIONS + 4];
    grid_options(grid, options);
    const struct option own[] = {
        {"margin", OPTION_NUMBER, &margin, "percent that count as no change (2)", NULL, 0.1, 100},
        {"max-time", OPTION_NUMBER, &contest->seconds, "seconds at most (27)", NULL, 1, 100000},
        {"seed", OPTION_SIZE, &seed, "of the order; 0, the default, takes the clock", NULL, 0, 1e15},
        {"json", OPTION_TEXT, &contest->json, "write changes and bounds to a file (- is stdout)", NULL, 0, 0},
    };
    memcpy(options + GRID_OPTIONS, own, sizeof own);
    const struct command_line line = {
        "ab OLD.so NEW.so [options]",
        "Runs two builds of libgru in one process, interleaved, on cells of the grid or a default set. Exit 1: slower.",
        options,
        GRID_OPTIONS + sizeof own / sizeof *own,
        2,
        2};
    options_parse(&line, argc, argv, contest->paths);
    contest->margin = log1p(margin / 100.0);
    /* By default no two runs have the same order, so that repeating one is a new look and not the same one again. */
    contest->random.state = seed ? seed : clock_system_ns();
    whole_check(&contest->json, 1);
}

int ab_main(int argc, char **argv)
{
    struct grid grid = {0};
    struct contest contest = {.seconds = 27.0};
    read_request(&contest, &grid, argc, argv);
    bench_start();

    /* Both are loaded once before anything is timed: a file that isn't libgru is then said at once, and which cells
     * there can be is the old build's to say, since the new one may have more. They stay loaded, so that no copy gets
     * their names. */
    struct library probe[2];
    library_load(&probe[0], contest.paths[0]);
    library_load(&probe[1], contest.paths[1]);
    if (probe[0].arithmetic() != probe[1].arithmetic())
        printf("note: the arithmetic differs: version %d and %d\n", probe[0].arithmetic(), probe[1].arithmetic());
    choose_cells(&contest, &grid, &probe[0]);
    contest.half = mmap(NULL, sizeof *contest.half, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (contest.half == MAP_FAILED)
        fail("no memory for %zu bytes", sizeof *contest.half);

    double start = clock_seconds();
    size_t rounds;
    enum ab_decision decision = contest_run(&contest, &rounds);
    double seconds = clock_seconds() - start;
    if (!contest.json || strcmp(contest.json, "-") != 0)
        print_contest(&contest, rounds, seconds, decision);
    if (contest.json)
        write_contest(&contest, rounds, seconds, decision);
    bool slower = false;
    for (size_t i = 0; i < contest.count; i++)
        slower |= contest.cells[i].low > contest.margin;
    free(contest.cells);
    free(contest.specs);
    library_unload(&probe[0]);
    library_unload(&probe[1]);
    return slower ? EXIT_FOUND : 0;
}
