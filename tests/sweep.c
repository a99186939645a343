/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep.c: sigmoid and tanh of every tier and back end over all 2^32 inputs, or over every N-th: errors,
 * order, bits. */
#include "sweep.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend.h"

/*
 * The inputs are the bit patterns k * stride below 2^32, cut into 256 blocks of one sign each, which threads take in turn.
 * For each block and tier the first back end's results are measured and hashed; the others' must have the same bits.
 * NaN results count as 0x7fc00000.
 *
 * The exact value comes from the C library's double functions. MPFR looks at one input of each chunk, to see that they
 * are as exact as the figures need, and decides between the errors that they can't tell apart (sweep_table.c).
 */
enum { BLOCKS = 256, MAX_BACKENDS = 8, MAX_THREADS = 64 };

/* Of each sign, the blocks of 2^-13 <= |x| < 2^9: nearer to 0 and further away results are x, 1/2 and the limits. */
enum { MIDDLE_FIRST = 0x39, MIDDLE_LAST = 0x43 };

static const char *const function_names[SWEEP_FUNCTIONS] = {"sigmoid", "tanh"};
static const char *const tier_names[GRU_TIERS] = {"fast", "faster", "accurate", "sleef"};

static struct options {
    uint64_t stride, scalar_chunks;
    size_t threads;
    const char *functions, *tiers, *backends, *table;
    bool bits, middle;
} options = {.stride = 1, .scalar_chunks = 1, .threads = 2};

static const gru_backend *backends[MAX_BACKENDS];
static size_t backend_count;
static struct block results[SWEEP_FUNCTIONS][GRU_TIERS][BLOCKS];
static atomic_size_t doubts; /* inputs at which double was further from MPFR than it may */

/* Whether a comma-separated list, or no list, names a word. */
static bool chosen(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = list; p && (p = strstr(p, word)); p += length)
        if ((p == list || p[-1] == ',') && (p[length] == '\0' || p[length] == ','))
            return true;
    return list == NULL;
}

static void chunk_fill(struct chunk *c, int function, uint64_t bits, uint64_t end)
{
    for (c->count = 0; c->count < SWEEP_CHUNK && bits < end; bits += options.stride, c->count++) {
        uint32_t b = (uint32_t)bits;
        memcpy(&c->x[c->count], &b, sizeof b);
    }
    if (options.bits)
        return;
    exact_fill(function, c);
    size_t i = (size_t)(bits >> 12) % c->count; /* any */
    if (!exact_agrees(function, c, i) && atomic_fetch_add(&doubts, 1) == 0)
        printf("FAIL  %s(%a) in double is %a\n", function_names[function], (double)c->x[i], c->exact[i]);
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

static void compare(struct block *f, const gru_backend *backend, const struct chunk *c, const float *got,
                    const float *want)
{
    if (memcmp(got, want, c->count * sizeof *got) == 0)
        return;
    for (size_t i = 0; i < c->count; i++)
        if (bits_of(got[i]) != bits_of(want[i]) && f->unequal++ == 0)
            f->unequal_at = c->x[i], f->unequal_name = gru_backend_name(backend);
}

/* tanh(-x) = -tanh(x): the results of a positive chunk with its signs turned. */
static void check_odd(struct block *f, size_t tier, const struct chunk *c, const float *y)
{
    float x[SWEEP_CHUNK], z[SWEEP_CHUNK];
    for (size_t i = 0; i < c->count; i++)
        x[i] = -c->x[i];
    compute(backends[0], SWEEP_TANH, tier, c->count, x, z);
    for (size_t i = 0; i < c->count; i++)
        if (bits_of(z[i]) != (bits_of(y[i]) ^ (y[i] == y[i] ? 0x80000000u : 0)) && f->broken++ == 0)
            f->broken_at = x[i];
}

static void sweep_chunk(struct block *f, int function, size_t tier, const struct chunk *c, uint64_t number)
{
    float y[SWEEP_CHUNK], z[SWEEP_CHUNK];
    compute(backends[0], function, tier, c->count, c->x, y);
    measure_hash(f, c, y);
    for (size_t b = 1; b < backend_count; b++) {
        if (strcmp(gru_backend_name(backends[b]), "scalar") == 0 && number % options.scalar_chunks != 0)
            continue;
        compute(backends[b], function, tier, c->count, c->x, z);
        compare(f, backends[b], c, z, y);
    }
    if (options.bits)
        return;
    measure_rules(f, function, c, y);
    if (c->x[0] == c->x[0] && c->x[c->count - 1] == c->x[c->count - 1]) /* a chunk of NaN, or not one */
        measure_order(f, c, y), measure_errors(f, function, tier, c, y);
    if (function == SWEEP_TANH && !signbit(c->x[0]))
        check_odd(f, tier, c, y);
}

static bool wanted(int function, size_t tier)
{
    for (size_t b = 0; b < backend_count; b++)
        if (gru_backend_check_tier(backends[b], (enum gru_tier)tier, NULL) != GRU_OK)
            return false;
    return chosen(options.functions, function_names[function]) && chosen(options.tiers, tier_names[tier]);
}

/* Bit patterns first .. last - 1; a part of a block whose inputs are all NaN, or none. */
static void sweep_part(int function, size_t block, uint64_t first, uint64_t last)
{
    static _Thread_local struct chunk c;
    uint64_t stride = options.stride, at = (first + stride - 1) / stride * stride;
    for (uint64_t number = block; at < last; at += SWEEP_CHUNK * stride, number++) {
        chunk_fill(&c, function, at, last);
        for (size_t tier = 0; tier < GRU_TIERS; tier++)
            if (wanted(function, tier))
                sweep_chunk(&results[function][tier][block], function, tier, &c, number);
    }
}

static void sweep_block(int function, size_t block)
{
    for (size_t tier = 0; tier < GRU_TIERS; tier++)
        memset(results[function][tier][block].lanes, 0x55, sizeof results[function][tier][block].lanes);
    /* Block 127 and 255: infinity is the last that is ordered, all above are NaN. */
    uint64_t first = (uint64_t)block << 24, last = first + (UINT64_C(1) << 24);
    uint64_t nan = (block & 0x80 ? UINT64_C(0xff800001) : UINT64_C(0x7f800001));
    uint64_t middle = nan > first && nan < last ? nan : last;
    sweep_part(function, block, first, middle);
    sweep_part(function, block, middle, last);
}

static bool has_inputs(size_t block)
{
    size_t size = block % (BLOCKS / 2);
    return !options.middle || (size >= MIDDLE_FIRST && size <= MIDDLE_LAST);
}

static void *work(void *next)
{
    for (size_t n; (n = atomic_fetch_add((atomic_size_t *)next, 1)) < (size_t)SWEEP_FUNCTIONS * BLOCKS;)
        if (chosen(options.functions, function_names[n / BLOCKS]) && has_inputs(n % BLOCKS))
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
    struct figures all;
    figures_join(&all, function, results[function][tier], BLOCKS);
    char inputs[16];
    snprintf(inputs, sizeof inputs, options.stride == 1 ? "%s" : "%s/%llu", options.middle ? "middle" : "all",
             (unsigned long long)options.stride);
    struct row row = {function, tier, options.bits, function_names[function], tier_names[tier], inputs, &all};
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
    fputs("sweep [--stride=N] [--function=NAMES] [--tier=NAMES] [--backend=NAMES] [--scalar=N] [--threads=N]\n"
          "      [--middle] [--bits] [--check=TABLE]\n"
          "  --stride=N  every N-th input only; N should be odd\n"
          "  --scalar=N  beside another back end, scalar computes one chunk of 4096 inputs in N; 1 if not given\n"
          "  --middle    only 2^-13 <= |x| < 2^9\n"
          "  --bits      hashes alone, no errors: for emulators, whose double functions take their time\n"
          "  --check     compares the figures, or the hashes, with a table that this program printed before\n"
          "NAMES are separated by commas. The first back end is measured, the others must have its bits.\n",
          stderr);
    return 2;
}

/* Whether `word` is the option `name`; its value then. */
static bool option(const char *word, const char *name, const char **value)
{
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0 || word[length] != '=')
        return false;
    *value = word + length + 1;
    return true;
}

static bool read_options(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        const char *value;
        if (option(words[i], "--stride", &value))
            options.stride = strtoull(value, NULL, 10);
        else if (option(words[i], "--scalar", &value))
            options.scalar_chunks = strtoull(value, NULL, 10);
        else if (option(words[i], "--threads", &value))
            options.threads = strtoul(value, NULL, 10);
        else if (option(words[i], "--function", &value))
            options.functions = value;
        else if (option(words[i], "--tier", &value))
            options.tiers = value;
        else if (option(words[i], "--backend", &value))
            options.backends = value;
        else if (option(words[i], "--check", &value))
            options.table = value;
        else if (strcmp(words[i], "--bits") == 0)
            options.bits = true;
        else if (strcmp(words[i], "--middle") == 0)
            options.middle = true;
        else
            return false;
    }
    return options.stride > 0 && options.scalar_chunks > 0 && options.threads > 0 && options.threads <= MAX_THREADS;
}

int main(int count, char **words)
{
    if (!read_options(count, words))
        return usage();
    choose_backends();
    if (backend_count == 0)
        return usage();
    if (!exact_known() && !options.bits) {
        puts("skip  errors of the activations: this build has no MPFR; their bits:");
        options.bits = true;
    }
    sweep();
    printf("# back ends:");
    for (size_t b = 0; b < backend_count; b++)
        printf(" %s", gru_backend_name(backends[b]));
    printf("; scalar: one chunk in %llu\n", (unsigned long long)options.scalar_chunks);
    if (!options.table && !options.bits)
        puts("# function, tier, inputs, hash; worst absolute error, at; worst ULP, at; ULP of sigmoids below 2^-20, at;"
             " steps back, the largest, at");
    int failed = doubts > 0;
    for (int function = 0; function < SWEEP_FUNCTIONS; function++)
        for (size_t tier = 0; tier < GRU_TIERS; tier++)
            if (wanted(function, tier))
                failed += report(function, tier);
    return failed > 0;
}
