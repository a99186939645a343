/* SPDX-License-Identifier: BSD-2-Clause */
/* tiny.c: bench-tiny: what a step costs where numbers are tiny, at each scale from 2^-149 to 1, against ordinary
 * ones. */
#include "clock.h"
#include "util.h"

#include <gru.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whole vectors on every back end, and small, since there are a thousand cells a back end. A second step, since its
 * states are what the first made of the tiny ones. */
enum { UNITS = 64, STEPS = 2, TURNS = 60, LOOKS = 5 };

/* Which arrays are of the scale; the others are ordinary. */
static const struct kind {
    const char *name;
    int x, h0, weights, biases;
    enum gru_bias bias;
} kinds[] = {
    {"x", 1, 0, 0, 0, GRU_BIAS_SIX},
    {"h0", 0, 1, 0, 0, GRU_BIAS_SIX},
    {"weights", 0, 0, 1, 0, GRU_BIAS_SIX},
    {"biases", 0, 0, 0, 1, GRU_BIAS_SIX},
    {"all but weights", 1, 1, 0, 1, GRU_BIAS_SIX},
    {"all", 1, 1, 1, 1, GRU_BIAS_SIX},
    {"all, n's inside", 1, 1, 1, 1, GRU_BIAS_ONE_INSIDE},
    {"all, no biases", 1, 1, 1, 0, GRU_BIAS_NONE},
    {"x, weights, none", 1, 0, 1, 0, GRU_BIAS_NONE},
};
enum { KINDS = sizeof kinds / sizeof *kinds, ORDINARY = 3 };

/* What stands in the table: the worst ratio of a band of scales. The first holds the subnormal numbers; below 2^-62 a layer reads
 * zero; up to 2^-41 sums of products may cancel to subnormal values, but for src/faint.h. */
static const struct band {
    int first, last;
} bands[] = {{-149, -127}, {-126, -101}, {-100, -63}, {-62, -49}, {-48, -41}, {-40, -21}, {-20, -1}};
enum { BANDS = sizeof bands / sizeof *bands };

/* One layer with its arrays: numbers from a half to one in magnitude, times the scale. */
struct run {
    gru_layer *layer;
    float w[3 * UNITS * UNITS], u[3 * UNITS * UNITS], bx[3 * UNITS], bh[3 * UNITS];
    float x[STEPS * UNITS], h0[UNITS], y[STEPS * UNITS];
    gru_io io;
    void *workspace;
    size_t bytes;
};

static void fill(float *array, size_t count, int exponent, struct random *random)
{
    for (size_t i = 0; i < count; i++) {
        float magnitude = (float)(0.5 + 0.5 * random_unit(random));
        array[i] = ldexpf(random_below(random, 2) ? magnitude : -magnitude, exponent);
    }
}

/* Of a bias for each half of each gate, those that the description has. */
static void choose_biases(gru_weights *weights, enum gru_bias bias)
{
    for (int g = 0; g < 3; g++) {
        int inside = g == GRU_N && bias == GRU_BIAS_ONE_INSIDE;
        if (bias == GRU_BIAS_NONE || inside)
            weights->bx[g].data = NULL;
        if (bias != GRU_BIAS_SIX && !inside)
            weights->bh[g].data = NULL;
    }
}

/* Ordinary weights are an eighth of that, so that ordinary sums stay where activations aren't flat. */
static void make(struct run *run, const gru_backend *backend, const struct kind *kind, int exponent)
{
    struct random random = {1};
    gru_desc desc = {.size = sizeof desc, .input = UNITS, .hidden = UNITS, .backend = backend, .bias = GRU_BIAS_SIX};
    gru_weights weights = {.size = sizeof weights};
    const int w = kind->weights ? exponent : -3, b = kind->biases ? exponent : 0;
    fill(run->w, 3 * UNITS * UNITS, w, &random);
    fill(run->u, 3 * UNITS * UNITS, w, &random);
    fill(run->bx, 3 * UNITS, b, &random);
    fill(run->bh, 3 * UNITS, b, &random);
    fill(run->x, STEPS * UNITS, kind->x ? exponent : 0, &random);
    fill(run->h0, UNITS, kind->h0 ? exponent : 0, &random);
    gru_error error;
    if (gru_weights_pytorch(&weights, &desc, run->w, run->u, run->bx, run->bh, &error) != GRU_OK)
        fail("%s", error.text);
    desc.bias = kind->bias;
    choose_biases(&weights, kind->bias);
    if (gru_layer_create(&run->layer, &desc, &weights, NULL, &error) != GRU_OK ||
        gru_workspace_bytes(run->layer, STEPS, 1, &run->bytes, &error) != GRU_OK)
        fail("%s", error.text);
    run->workspace = take(run->bytes, 1);
    run->io = (gru_io){.size = sizeof run->io,
                       .steps = STEPS,
                       .rows = 1,
                       .x = run->x,
                       .x_step = UNITS,
                       .x_row = UNITS,
                       .y = run->y,
                       .y_step = UNITS,
                       .y_row = UNITS,
                       .state = {.h0 = run->h0, .h0_row = UNITS}};
}

static void drop(struct run *run)
{
    gru_layer_destroy(run->layer);
    free(run->workspace);
}

static double time_of(struct run *run)
{
    uint64_t start = clock_ticks();
    gru_run(run->layer, &run->io, run->workspace, run->bytes, NULL);
    return clock_between(start, clock_ticks());
}

/* In turns, and the best of each: what a neighbour or an interrupt adds doesn't count, what the numbers cost does. */
static double ratio(struct run *tiny, struct run *ordinary)
{
    double best = HUGE_VAL, plain = HUGE_VAL, start = clock_seconds();
    for (int turn = 0; turn < TURNS && (turn < 10 || clock_seconds() - start < 5e-3); turn++) {
        best = fmin(best, time_of(tiny));
        plain = fmin(plain, time_of(ordinary));
    }
    return best / plain;
}

static void measure(const gru_backend *backend)
{
    static struct run ordinary, tiny;
    double worst[BANDS][KINDS] = {{0}};
    size_t all = 0, over = 0;
    struct {
        size_t kind;
        int exponent;
        double ratio;
    } slow[KINDS * 150];
    make(&ordinary, backend, &kinds[ORDINARY], 0);
    for (size_t kind = 0; kind < KINDS; kind++) {
        for (size_t b = 0; b < BANDS; b++) {
            for (int exponent = bands[b].first; exponent <= bands[b].last; exponent++) {
                make(&tiny, backend, &kinds[kind], exponent);
                double r = ratio(&tiny, &ordinary);
                /* What costs time does so at each look; a neighbour's second doesn't. */
                for (int look = 1; look < LOOKS && r > 1.05; look++)
                    r = fmin(r, ratio(&tiny, &ordinary));
                drop(&tiny);
                worst[b][kind] = fmax(worst[b][kind], r);
                if (r > 1.05) {
                    slow[over].kind = kind;
                    slow[over].exponent = exponent;
                    slow[over++].ratio = r;
                }
                all++;
            }
        }
    }
    drop(&ordinary);
    printf("%s, H = I = %d, %d steps: the longest time at any scale of a band, relative to ordinary numbers\n%-16s",
           gru_backend_name(backend), UNITS, STEPS, "");
    for (size_t kind = 0; kind < KINDS; kind++)
        printf("%18s", kinds[kind].name);
    for (size_t b = 0; b < BANDS; b++) {
        printf("\n2^%-4d .. 2^%-4d", bands[b].first, bands[b].last);
        for (size_t kind = 0; kind < KINDS; kind++)
            printf("%18.2f", worst[b][kind]);
    }
    printf("\n%zu of %zu are more than 5 %% over\n", over, all);
    for (size_t i = 0; i < over; i++)
        printf("  %s of scale 2^%d: %.2f\n", kinds[slow[i].kind].name, slow[i].exponent, slow[i].ratio);
    puts("");
}

int main(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
        fail("bench-tiny takes the name of a back end, or nothing for each that this CPU has");
    clock_start();
    const gru_backend *backend;
    size_t measured = 0;
    for (size_t i = 0; (backend = gru_backend_at(i)); i++)
        if (argc < 2 || strcmp(argv[1], gru_backend_name(backend)) == 0) {
            measure(backend);
            measured++;
        }
    if (!measured)
        fail("this CPU has no back end '%s'", argv[1]);
    return 0;
}
