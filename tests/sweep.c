/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep.c: sigmoid and tanh of every tier and back end over all 2^32 inputs, or over every N-th: errors, order, bits. */
#include "sweep.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"

/*
 * The inputs are the bit patterns k * stride below 2^32, cut into 256 blocks of one sign each, which threads take in turn.
 * For each block and tier the first back end's results are measured and hashed; the others' must have the same bits.
 * NaN results count as 0x7fc00000.
 *
 * The exact value comes from the C library's double functions: wrong by less than one ulp of a double, they move a figure
 * by less than 2^-28 ULP of a float, so nothing is gained by more digits, at the hard places either.
 */
enum { CHUNK = 4096, BLOCKS = 256, LANES_OF_HASH = 8, MAX_BACKENDS = 8, MAX_THREADS = 64 };

static const char *const function_names[SWEEP_FUNCTIONS] = {"sigmoid", "tanh"};
static const char *const tier_names[GRU_TIERS] = {"fast", "faster", "accurate", "sleef"};

/* A result below the floor may also be 0: its ULPs mean nothing, its absolute error is measured all the same. */
static const double sigmoid_floors[GRU_TIERS] = {0x1p-61, 0x1p-20, 0x1p-125, 0x1p-125};
static const double sigmoid_small = 0x1p-20;

static struct options {
    uint64_t stride, scalar_chunks;
    size_t threads;
    const char *functions, *tiers, *backends, *table;
    bool blocks;
} options = {.stride = 1, .threads = 2};

static const gru_backend *backends[MAX_BACKENDS];
static size_t backend_count;
static struct figures results[SWEEP_FUNCTIONS][GRU_TIERS][BLOCKS];

/* What is shared by the tiers of a chunk. */
struct chunk {
    size_t count;
    float x[CHUNK], minus_x[CHUNK];
    double exact[CHUNK];
    float rounded[CHUNK];  /* the exact values as floats */
    double per_ulp[CHUNK]; /* 1 / ulp(exact) */
};

static uint32_t bits_of(float x)
{
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

/* Whether a comma-separated list, or no list, names a word. */
static bool chosen(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = list; p && (p = strstr(p, word)); p += length)
        if ((p == list || p[-1] == ',') && (p[length] == '\0' || p[length] == ','))
            return true;
    return list == NULL;
}

static double exact_value(int function, float input)
{
    double x = fabsf(input) < 0x1p-126f ? 0.0 : (double)input, a = fabs(x);
    if (function == SWEEP_TANH)
        return a < 0x1p-13 ? x - x * x * x / 3.0 : a > 20.0 ? copysign(1.0, x) : tanh(x);
    if (a < 0x1p-30)
        return 0.5 + x / 4.0;
    if (x < -45.0)
        return x < -120.0 ? 0.0 : exp(x);
    return x > 45.0 ? 1.0 : 1.0 / (1.0 + exp(-x));
}

static void chunk_fill(struct chunk *c, int function, uint64_t bits, uint64_t end)
{
    for (c->count = 0; c->count < CHUNK && bits < end; bits += options.stride, c->count++) {
        uint32_t b = (uint32_t)bits;
        size_t i = c->count;
        memcpy(&c->x[i], &b, sizeof b);
        c->minus_x[i] = -c->x[i];
        c->exact[i] = exact_value(function, c->x[i]);
        c->rounded[i] = (float)c->exact[i];
    }
    /* 2^(23 - exponent), put together from the bits: the C library's way would take longer than all that is measured. */
    for (size_t i = 0; i < c->count; i++) {
        uint64_t exact, per_ulp;
        memcpy(&exact, &c->exact[i], sizeof exact);
        per_ulp = exact << 1 ? (2069 - (exact >> 52 & 0x7ff)) << 52 : 0;
        memcpy(&c->per_ulp[i], &per_ulp, sizeof per_ulp);
    }
}

static void compute(const gru_backend *backend, int function, size_t tier, size_t n, const float *x, float *y)
{
    (function == SWEEP_TANH ? backend->tanh : backend->sigmoid)[tier](n, x, y);
    for (size_t i = 0; i < n; i++) {
        uint32_t b = bits_of(y[i]);
        b = (b & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : b;
        memcpy(&y[i], &b, sizeof b);
    }
}

/* A rule that has no tolerance: NaN, bounds, signs, what zeros, subnormals and infinities give. */
static bool breaks_a_rule(int function, float x, float y)
{
    if (x != x || y != y)
        return (x == x) != (y == y);
    if (fabsf(x) < 0x1p-126f)
        return function == SWEEP_TANH ? bits_of(y) != (bits_of(x) & 0x80000000u) : y != 0.5f;
    if (y != 0.0f && fabsf(y) < 0x1p-126f)
        return true;
    if (function == SWEEP_TANH)
        return fabsf(y) > 1.0f || signbit(y) != signbit(x) || (isinf(x) && fabsf(y) != 1.0f);
    return y < 0.0f || y > 1.0f || signbit(y) || (isinf(x) && y != (x > 0.0f ? 1.0f : 0.0f));
}

/* The same for a normal x, without a branch: a result past 1, NaN, subnormal or of the wrong sign. */
static uint32_t breaks_when_normal(uint32_t sign, float y)
{
    uint32_t b = bits_of(y) ^ sign;
    return (uint32_t)(b > 0x3f800000) | (uint32_t)(b - 1 < 0x007fffff);
}

static void check_rules(struct figures *f, int function, const struct chunk *c, const float *y)
{
    uint32_t first = bits_of(c->x[0]), last = bits_of(c->x[c->count - 1]) & 0x7fffffff, broken = 0;
    uint32_t sign = function == SWEEP_TANH ? first & 0x80000000 : 0;
    for (size_t i = 0; i < c->count; i++)
        broken += breaks_when_normal(sign, y[i]);
    if (broken == 0 && (first & 0x7fffffff) >= 0x00800000 && last < 0x7f800000)
        return;
    for (size_t i = 0; i < c->count; i++)
        if (breaks_a_rule(function, c->x[i], y[i]) && f->broken++ == 0)
            f->broken_at = c->x[i];
}

/* With the sign of the block the bit patterns run away from zero, so a step back is one towards the value at zero. */
static void check_order(struct figures *f, const struct chunk *c, const float *y)
{
    float away = signbit(c->x[0]) ? -1.0f : 1.0f;
    int backs = f->any && away * (y[0] - f->last) < 0.0f;
    for (size_t i = 1; i < c->count; i++) /* compared, not subtracted: a subnormal difference would cost 100 cycles */
        backs += away > 0.0f ? y[i] < y[i - 1] : y[i] > y[i - 1];
    for (size_t i = 0; backs > 0 && i < c->count; i++) {
        float step = i > 0 ? away * (y[i] - y[i - 1]) : f->any ? away * (y[0] - f->last) : 0.0f;
        if (step < 0.0f)
            figures_step_back(f, -step, c->x[i]);
    }
    if (!f->any)
        f->first = y[0], f->first_at = c->x[0];
    f->any = true;
    f->last = y[c->count - 1];
}

static void hash_chunk(uint64_t *lanes, const float *y, size_t n)
{
    uint64_t h[LANES_OF_HASH];
    memcpy(h, lanes, sizeof h);
    for (size_t i = 0; i < n; i += LANES_OF_HASH)
        for (size_t k = 0; k < LANES_OF_HASH && i + k < n; k++) {
            h[k] ^= bits_of(y[i + k]);
            h[k] = (h[k] << 29 | h[k] >> 35) * UINT64_C(0x9e3779b97f4a7c15);
        }
    memcpy(lanes, h, sizeof h);
}

/* Whether any error exceeds the worst so far, in a loop that compilers vectorise. */
static bool exceeds(const struct figures *f, double floor, double small, const struct chunk *c, const float *y)
{
    double worst = f->absolute.value, worst_ulp = f->ulp.value, worst_small = f->small.value;
    int64_t found = 0;
    for (size_t i = 0; i < c->count; i++) {
        double exact = c->exact[i], error = fabs((double)y[i] - exact), ulp = error * c->per_ulp[i];
        found |= -(int64_t)(error > worst) | (-(int64_t)(ulp > worst_ulp) & -(int64_t)(fabs(exact) >= small)) |
                 (-(int64_t)(ulp > worst_small) & -(int64_t)(exact < small) & -(int64_t)(exact >= floor));
    }
    return found != 0;
}

/* The few errors that exceed the worst so far are noted one by one. Where all results are the exact ones rounded, as
 * in the limits and near 0, the errors are half an ulp at most, which is nobody's worst. */
static void measure(struct figures *f, int function, size_t tier, const struct chunk *c, const float *y)
{
    double floor = function == SWEEP_TANH ? 0.0 : sigmoid_floors[tier];
    double small = function == SWEEP_TANH ? 0.0 : sigmoid_small;
    if (memcmp(y, c->rounded, c->count * sizeof *y) == 0 || !exceeds(f, floor, small, c, y))
        return;
    for (size_t i = 0; i < c->count; i++) {
        double exact = c->exact[i], error = fabs((double)y[i] - exact), ulp = error * c->per_ulp[i];
        if (error > f->absolute.value)
            f->absolute = (struct witness){error, c->x[i]};
        if (fabs(exact) < small) {
            if (exact >= floor && ulp > f->small.value)
                f->small = (struct witness){ulp, c->x[i]};
        } else if (ulp > f->ulp.value) {
            f->ulp = (struct witness){ulp, c->x[i]};
        }
    }
}

static void compare(struct figures *f, const gru_backend *backend, const struct chunk *c, const float *got, const float *want)
{
    if (memcmp(got, want, c->count * sizeof *got) == 0)
        return;
    for (size_t i = 0; i < c->count; i++)
        if (bits_of(got[i]) != bits_of(want[i]) && f->unequal++ == 0)
            f->unequal_at = c->x[i], f->unequal_name = gru_backend_name(backend);
}

static void sweep_chunk(struct figures *f, uint64_t *lanes, int function, size_t tier, const struct chunk *c, uint64_t number)
{
    float y[CHUNK], z[CHUNK];
    compute(backends[0], function, tier, c->count, c->x, y);
    hash_chunk(lanes, y, c->count);
    check_rules(f, function, c, y);
    if (c->x[0] == c->x[0] && c->x[c->count - 1] == c->x[c->count - 1]) /* a block of NaN, or not one */
        check_order(f, c, y), measure(f, function, tier, c, y);
    for (size_t b = 1; b < backend_count; b++) {
        if (strcmp(gru_backend_name(backends[b]), "scalar") == 0 && number % options.scalar_chunks != 0)
            continue;
        compute(backends[b], function, tier, c->count, c->x, z);
        compare(f, backends[b], c, z, y);
    }
    if (function == SWEEP_TANH && !signbit(c->x[0])) {
        compute(backends[0], function, tier, c->count, c->minus_x, z);
        for (size_t i = 0; i < c->count; i++)
            if (bits_of(z[i]) != (bits_of(y[i]) ^ (y[i] == y[i] ? 0x80000000u : 0)) && f->broken++ == 0)
                f->broken_at = c->minus_x[i];
    }
}

static bool wanted(int function, size_t tier)
{
    for (size_t b = 0; b < backend_count; b++)
        if (gru_backend_check_tier(backends[b], (enum gru_tier)tier, NULL) != GRU_OK)
            return false;
    return chosen(options.functions, function_names[function]) && chosen(options.tiers, tier_names[tier]);
}

/* Bit patterns first .. last - 1; a part of a block whose inputs are all NaN, or none. */
static void sweep_part(int function, size_t block, uint64_t first, uint64_t last, uint64_t lanes[][LANES_OF_HASH])
{
    static _Thread_local struct chunk c;
    uint64_t stride = options.stride, at = (first + stride - 1) / stride * stride;
    for (uint64_t number = block; at < last; at += CHUNK * stride, number++) {
        chunk_fill(&c, function, at, last);
        for (size_t tier = 0; tier < GRU_TIERS; tier++)
            if (wanted(function, tier))
                sweep_chunk(&results[function][tier][block], lanes[tier], function, tier, &c, number);
    }
}

static void sweep_block(int function, size_t block)
{
    uint64_t lanes[GRU_TIERS][LANES_OF_HASH];
    memset(lanes, 0x55, sizeof lanes);
    /* Block 127 and 255: infinity is the last that is ordered, all above are NaN. */
    uint64_t first = (uint64_t)block << 24, last = first + (UINT64_C(1) << 24);
    uint64_t nan = (block & 0x80 ? UINT64_C(0xff800001) : UINT64_C(0x7f800001));
    uint64_t middle = nan > first && nan < last ? nan : last;
    sweep_part(function, block, first, middle, lanes);
    sweep_part(function, block, middle, last, lanes);
    for (size_t tier = 0; tier < GRU_TIERS; tier++)
        results[function][tier][block].hash = figures_hash(lanes[tier], LANES_OF_HASH);
}

static void *work(void *next)
{
    for (size_t n; (n = atomic_fetch_add((atomic_size_t *)next, 1)) < (size_t)SWEEP_FUNCTIONS * BLOCKS;)
        if (chosen(options.functions, function_names[n / BLOCKS]))
            sweep_block((int)(n / BLOCKS), n % BLOCKS);
    return NULL;
}

static void sweep(void)
{
    pthread_t threads[MAX_THREADS];
    atomic_size_t next = 0;
    size_t started = 0;
    while (started + 1 < options.threads && pthread_create(&threads[started], NULL, work, &next) == 0)
        started++;
    work(&next);
    while (started > 0)
        pthread_join(threads[--started], NULL);
}

static int report(int function, size_t tier)
{
    struct figures all = figures_join(results[function][tier], BLOCKS);
    struct row row = {function, tier, options.stride, function_names[function], tier_names[tier], &all};
    if (options.blocks)
        for (size_t b = 0; b < BLOCKS; b++)
            printf("%s %s block %02zx hash %016llx\n", row.function_name, row.tier_name, b,
                   (unsigned long long)results[function][tier][b].hash);
    return row_report(&row, options.table);
}

static void choose_backends(void)
{
    const gru_backend *b;
    for (size_t i = 0; (b = gru_backend_at(i)) && backend_count < MAX_BACKENDS; i++)
        if (chosen(options.backends, gru_backend_name(b)))
            backends[backend_count++] = b;
}

static int usage(void)
{
    fputs("sweep [--stride=N] [--function=NAMES] [--tier=NAMES] [--backend=NAMES] [--scalar=N] [--threads=N] [--blocks]\n"
          "      [--check=TABLE]\n"
          "  --stride=N  every N-th input only; N should be odd\n"
          "  --scalar=N  beside another back end, scalar computes one chunk of 4096 inputs in N: 16 if all inputs are swept\n"
          "  --blocks    prints the hash of each block of 2^24 inputs too\n"
          "  --check     compares the figures with a table that this program printed before\n"
          "NAMES are separated by commas. The first back end is measured, the others must have its bits.\n", stderr);
    return 2;
}

int main(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        char *value = strchr(words[i], '=');
        value = value ? value + 1 : words[i] + strlen(words[i]);
        if (strncmp(words[i], "--stride=", 9) == 0)
            options.stride = strtoull(value, NULL, 10);
        else if (strncmp(words[i], "--scalar=", 9) == 0)
            options.scalar_chunks = strtoull(value, NULL, 10);
        else if (strncmp(words[i], "--threads=", 10) == 0)
            options.threads = strtoul(value, NULL, 10);
        else if (strncmp(words[i], "--function=", 11) == 0)
            options.functions = value;
        else if (strncmp(words[i], "--tier=", 7) == 0)
            options.tiers = value;
        else if (strncmp(words[i], "--backend=", 10) == 0)
            options.backends = value;
        else if (strncmp(words[i], "--check=", 8) == 0)
            options.table = value;
        else if (strcmp(words[i], "--blocks") == 0)
            options.blocks = true;
        else
            return usage();
    }
    choose_backends();
    if (options.scalar_chunks == 0)
        options.scalar_chunks = options.stride == 1 ? 16 : 1;
    if (options.stride == 0 || options.threads == 0 || options.threads > MAX_THREADS || backend_count == 0)
        return usage();
    sweep();
    printf("# back ends:");
    for (size_t b = 0; b < backend_count; b++)
        printf(" %s", gru_backend_name(backends[b]));
    printf("; scalar: one chunk in %llu\n", (unsigned long long)options.scalar_chunks);
    int failed = 0;
    for (int function = 0; function < SWEEP_FUNCTIONS; function++)
        for (size_t tier = 0; tier < GRU_TIERS; tier++)
            if (wanted(function, tier))
                failed += report(function, tier);
    return failed > 0;
}
