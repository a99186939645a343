/* SPDX-License-Identifier: BSD-2-Clause */
/* deviation.c: how far a layer's state is from the same layer's in double after 1,000 steps, for each tier and size. */
#include <gru.h>

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A layer as PyTorch initialises it, or with all weights twice as large: reset after, six biases, I = H, everything uniform
 * in +-gain / sqrt(H); x uniform in +-sqrt(3), which has variance 1; h0 = 0. So many rows that each size has 2,048 states.
 * The reference is the equations as they stand in papers, in double, on the same fp32 weights and inputs; it has no code
 * in common with libgru. Its sums run in a fixed order and without contraction, and the random numbers are made from
 * integers, so the printed digits are the same on every machine; --check holds them against deviation.txt.
 */
enum { STEPS = 1000, STATES = 2048, TIERS = 4, LARGEST = 1024 };

static const char *const tier_names[TIERS] = {"fast", "faster", "accurate", "sleef"};

typedef struct network {
    size_t hidden, rows;
    float gain;
    float *w, *u, *bw, *bu; /* as PyTorch has them: [3H, H], gates r, z, n, and [3H] */
    float *x;               /* [steps][rows][H] */
    double *w_by_input, *u_by_input; /* [H][3H] */
} network;

/* What is printed of one tier. */
typedef struct deviation {
    double worst, mean; /* after the last step */
    double ever;        /* the worst of any step */
} deviation;

static void *array(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

/* splitmix64; the top 24 bits are a multiple of 2^-24 in [0, 1). */
static float uniform(uint64_t *state, float limit)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return ((float)((z ^ z >> 31) >> 40) * 0x1p-23f - 1.0f) * limit;
}

static float *draw(uint64_t *state, size_t count, float limit)
{
    float *a = array(count, sizeof *a);
    for (size_t i = 0; i < count; i++)
        a[i] = uniform(state, limit);
    return a;
}

static double *by_input(const float *matrix, size_t hidden)
{
    double *turned = array(3 * hidden * hidden, sizeof *turned);
    for (size_t j = 0; j < 3 * hidden; j++)
        for (size_t k = 0; k < hidden; k++)
            turned[k * 3 * hidden + j] = (double)matrix[j * hidden + k];
    return turned;
}

static network make(size_t hidden, float gain)
{
    uint64_t state = hidden;
    float limit = gain / sqrtf((float)hidden);
    network n = {.hidden = hidden, .rows = STATES / hidden, .gain = gain};
    n.w = draw(&state, 3 * hidden * hidden, limit);
    n.u = draw(&state, 3 * hidden * hidden, limit);
    n.bw = draw(&state, 3 * hidden, limit);
    n.bu = draw(&state, 3 * hidden, limit);
    n.x = draw(&state, (size_t)STEPS * STATES, 1.7320508f);
    n.w_by_input = by_input(n.w, hidden);
    n.u_by_input = by_input(n.u, hidden);
    return n;
}

static void discard(network *n)
{
    free(n->w), free(n->u), free(n->bw), free(n->bu), free(n->x), free(n->w_by_input), free(n->u_by_input);
}

/* sums = bias + M v */
static void multiply(size_t hidden, double *sums, const float *bias, const double *matrix, const double *v)
{
    for (size_t j = 0; j < 3 * hidden; j++)
        sums[j] = (double)bias[j];
    for (size_t k = 0; k < hidden; k++)
        for (size_t j = 0; j < 3 * hidden; j++)
            sums[j] += matrix[k * 3 * hidden + j] * v[k];
}

static void reference_step(const network *n, const float *x, double *h)
{
    size_t H = n->hidden;
    double input[LARGEST], a[3 * LARGEST], b[3 * LARGEST];
    for (size_t k = 0; k < H; k++)
        input[k] = (double)x[k];
    multiply(H, a, n->bw, n->w_by_input, input);
    multiply(H, b, n->bu, n->u_by_input, h);
    for (size_t j = 0; j < H; j++) {
        double r = 1.0 / (1.0 + exp(-(a[j] + b[j])));
        double z = 1.0 / (1.0 + exp(-(a[H + j] + b[H + j])));
        double candidate = tanh(a[2 * H + j] + r * b[2 * H + j]);
        h[j] = z * h[j] + (1.0 - z) * candidate;
    }
}

/* libgru's states of all steps, [steps][rows][H], or NULL where this CPU hasn't the tier. */
static float *run(const network *n, enum gru_tier tier)
{
    size_t H = n->hidden, bytes;
    gru_error error;
    gru_desc desc = {.size = sizeof desc, .input = H, .hidden = H, .bias = GRU_BIAS_SIX, .tier = tier};
    gru_weights weights = {.size = sizeof weights};
    gru_layer *layer;
    if (gru_weights_pytorch(&weights, &desc, n->w, n->u, n->bw, n->bu, &error) != GRU_OK ||
        gru_layer_create(&layer, &desc, &weights, NULL, &error) != GRU_OK) {
        if (error.status == GRU_UNSUPPORTED)
            return NULL;
        fprintf(stderr, "%s\n", error.text);
        exit(2);
    }
    float *y = array((size_t)STEPS * STATES, sizeof *y);
    gru_workspace_bytes(layer, STEPS, n->rows, &bytes, NULL);
    void *workspace = array(bytes, 1);
    ptrdiff_t row = (ptrdiff_t)H, step = STATES;
    gru_io io = {.size = sizeof io, .steps = STEPS, .rows = n->rows, .x = n->x, .x_step = step, .x_row = row,
                 .y = y, .y_step = step, .y_row = row};
    if (gru_run(layer, &io, workspace, bytes, &error) != GRU_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(2);
    }
    free(workspace);
    gru_layer_destroy(layer);
    return y;
}

static double worst_of(const double *h, const float *y, size_t hidden)
{
    double worst = 0.0;
    for (size_t j = 0; j < hidden; j++) {
        double difference = fabs((double)y[j] - h[j]);
        worst = difference > worst ? difference : worst; /* gcc 12 for AArch64 fails at fmax here; a NaN shows in the mean */
    }
    return worst;
}

static double sum_of(const double *h, const float *y, size_t hidden)
{
    double sum = 0.0;
    for (size_t j = 0; j < hidden; j++)
        sum += fabs((double)y[j] - h[j]);
    return sum;
}

static void measure(const network *n, float *const y[TIERS], deviation found[TIERS])
{
    size_t H = n->hidden;
    memset(found, 0, TIERS * sizeof *found);
    for (size_t row = 0; row < n->rows; row++) {
        double h[LARGEST] = {0};
        for (size_t t = 0; t < STEPS; t++) {
            size_t at = t * STATES + row * H;
            reference_step(n, n->x + at, h);
            for (size_t tier = 0; tier < TIERS; tier++)
                if (y[tier])
                    found[tier].ever = fmax(found[tier].ever, worst_of(h, y[tier] + at, H));
        }
        size_t last = (STEPS - 1) * (size_t)STATES + row * H;
        for (size_t tier = 0; tier < TIERS; tier++) {
            if (y[tier]) {
                found[tier].worst = fmax(found[tier].worst, worst_of(h, y[tier] + last, H));
                found[tier].mean += sum_of(h, y[tier] + last, H) / STATES;
            }
        }
    }
}

/* Prints a line, or whether the table has it. */
static bool report(const char *line, const char *table)
{
    if (!table) {
        puts(line);
        return true;
    }
    char found[200] = "";
    FILE *file = fopen(table, "r");
    while (file && strcmp(found, line) != 0 && fgets(found, sizeof found, file))
        found[strcspn(found, "\n")] = '\0';
    if (file)
        fclose(file);
    bool same = strcmp(found, line) == 0;
    printf(same ? "ok    deviation %s\n" : "FAIL  the table has no line: %s\n", line);
    return same;
}

static bool one_size(size_t hidden, float gain, const char *table)
{
    network n = make(hidden, gain);
    float *y[TIERS];
    deviation found[TIERS];
    bool same = true;
    for (int tier = 0; tier < TIERS; tier++)
        y[tier] = run(&n, (enum gru_tier)tier);
    measure(&n, y, found);
    for (size_t tier = 0; tier < TIERS; tier++) {
        char line[200];
        const deviation *d = &found[tier];
        snprintf(line, sizeof line, "%g  %4zu  %-8s  %.2e  %.2e  %.2e", (double)gain, hidden, tier_names[tier], d->worst,
                 d->mean, d->ever);
        if (y[tier])
            same = report(line, table) && same;
        else
            printf("skip  deviation of tier %s: this CPU can't compute it\n", tier_names[tier]);
        free(y[tier]);
    }
    discard(&n);
    return same;
}

int main(int count, char **words)
{
    static const size_t sizes[] = {16, 64, 128, 256, 512, LARGEST};
    const char *table = NULL;
    size_t most = LARGEST;
    for (int i = 1; i < count; i++) {
        if (strncmp(words[i], "--check=", 8) == 0) {
            table = words[i] + 8;
        } else if (strncmp(words[i], "--most=", 7) == 0) {
            most = strtoull(words[i] + 7, NULL, 10);
        } else {
            fputs("deviation [--most=H] [--check=TABLE]\n", stderr);
            return 2;
        }
    }
    bool same = true;
    if (!table)
        puts("# weights, H, tier; after 1,000 steps: worst, mean |h - double|; worst of all steps");
    for (int gain = 1; gain <= 2; gain++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && sizes[i] <= most; i++)
            same = one_size(sizes[i], (float)gain, table) && same;
    return !same;
}
