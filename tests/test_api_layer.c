/* SPDX-License-Identifier: BSD-2-Clause */
/* test_api_layer.c: making layers and finding back ends: what is refused and what is left behind then. */
#include "drive.h"

#include <stdlib.h>
#include <string.h>

enum { INPUT = 3, HIDDEN = 5 };

static float numbers[2 * HIDDEN * HIDDEN];

static void fill_numbers(void)
{
    check_fill(numbers, sizeof numbers / sizeof numbers[0], -1.0f, 1.0f);
}

static gru_desc plain_desc(void)
{
    return (gru_desc){.size = sizeof(gru_desc),
                      .input = INPUT,
                      .hidden = HIDDEN,
                      .bias = GRU_BIAS_SIX,
                      .backend = check_this() ? check_this() : check_scalar()};
}

static gru_weights plain_weights(void)
{
    gru_weights w = {.size = sizeof w};
    for (int g = 0; g < 3; g++) {
        w.w[g] = (gru_matrix){numbers, INPUT, 1};
        w.u[g] = (gru_matrix){numbers + g, HIDDEN, 1};
        w.bx[g] = (gru_vector){numbers + g, 1};
        w.bh[g] = (gru_vector){numbers + 7, -1};
    }
    return w;
}

/* A description that can't become a layer, by any of the three ways. */
static void refuse(const gru_desc *desc, const gru_weights *weights, enum gru_status want, const char *what)
{
    check_memory memory = {0};
    gru_allocator allocator = check_allocator(&memory);
    gru_layer *const untouched = (gru_layer *)(void *)numbers;
    gru_layer *layer = untouched;
    gru_error error = {0};
    void *room = guarded_bytes(1 << 16, GUARD_BEFORE, 0), *before = malloc(1 << 16);
    if (!CHECK(before != NULL, "memory")) {
        return;
    }
    memcpy(before, room, 1 << 16);
    CHECK_STATUS(gru_layer_create(&layer, desc, weights, &allocator, &error), want, &error, "%s: create", what);
    CHECK_STATUS(gru_layer_place(&layer, desc, weights, room, 1 << 16, &error), want, &error, "%s: place", what);
    CHECK(gru_layer_create(&layer, desc, weights, &allocator, NULL) == want, "%s: without an error", what);
    CHECK(layer == untouched, "%s: the pointer was written", what);
    CHECK(memcmp(before, room, 1 << 16) == 0, "%s: the memory was written", what);
    CHECK(memory.live == 0 && memory.mistakes == 0, "%s: %zu blocks are left", what, memory.live);
    free(before);
}

/* The macro is for the text: what was done to the description is what a failure prints. */
#define REFUSE(change, want)                    \
    do {                                        \
        gru_desc desc = plain_desc();           \
        gru_weights weights = plain_weights();  \
        change;                                 \
        refuse(&desc, &weights, want, #change); \
    } while (0)

void test_api_layer_refusals(void)
{
    fill_numbers();
    REFUSE(desc.size = 0, GRU_BAD_STRUCT);
    REFUSE(desc.size = 3, GRU_BAD_STRUCT);
    REFUSE(weights.size = 0, GRU_BAD_STRUCT);
    REFUSE(desc.input = 0, GRU_ZERO_SIZE);
    REFUSE(desc.hidden = 0, GRU_ZERO_SIZE);
    REFUSE(desc.hidden = SIZE_MAX / 2, GRU_OVERFLOW);
    REFUSE(desc.input = SIZE_MAX / 16, GRU_OVERFLOW);
    REFUSE(desc.hidden = (size_t)1 << (sizeof(size_t) * 4 - 1), GRU_OVERFLOW);
    REFUSE(desc.reset = (enum gru_reset)3, GRU_BAD_ENUM);
    REFUSE(desc.update = (enum gru_update)2, GRU_BAD_ENUM);
    REFUSE(desc.bias = (enum gru_bias)5, GRU_BAD_ENUM);
    REFUSE(desc.direction = (enum gru_direction)3, GRU_BAD_ENUM);
    REFUSE(desc.merge = (enum gru_merge) - 1, GRU_BAD_ENUM);
    REFUSE(desc.gates = (enum gru_gates)2, GRU_BAD_ENUM);
    REFUSE(desc.tier = (enum gru_tier)4, GRU_BAD_ENUM);
    REFUSE(desc.weight_type = (enum gru_weight_type)1, GRU_BAD_ENUM);
    REFUSE(desc.clip = -0.5f, GRU_BAD_VALUE);
    REFUSE(desc.clip = check_float_of(0x7fc00000), GRU_BAD_VALUE);
    REFUSE(desc.hard_alpha = check_float_of(0x7f800000), GRU_BAD_VALUE);
    REFUSE(weights.w[GRU_Z].data = NULL, GRU_NULL_POINTER);
    REFUSE(weights.u[GRU_N].data = NULL, GRU_NULL_POINTER);
    REFUSE(weights.bx[GRU_R].data = NULL, GRU_BAD_BIAS);
    REFUSE(desc.bias = GRU_BIAS_FOUR, GRU_BAD_BIAS);
    REFUSE(desc.reset = GRU_RESET_NONE, GRU_BAD_DIALECT);
    REFUSE(weights.w[GRU_R].unit = PTRDIFF_MAX, GRU_OVERFLOW);

    gru_weights one[2] = {plain_weights(), {.size = 0}};
    gru_desc both = plain_desc();
    both.direction = GRU_BIDIRECTIONAL;
    refuse(&both, one, GRU_BAD_STRUCT, "the second direction's weights have no size");
    gru_desc desc = plain_desc();
    gru_weights weights = plain_weights();
    refuse(NULL, &weights, GRU_NULL_POINTER, "no description");
    refuse(&desc, NULL, GRU_NULL_POINTER, "no weights");
}

/* A program compiled with a longer header: what this version doesn't know must be zero. */
void test_api_layer_newer(void)
{
    struct {
        gru_desc desc;
        size_t more[2];
    } newer = {.desc = plain_desc()};
    fill_numbers();
    newer.desc.size = sizeof newer;
    gru_weights weights = plain_weights();
    gru_layer *layer = NULL;
    gru_error error = {0};
    CHECK_STATUS(gru_layer_create(&layer, &newer.desc, &weights, NULL, &error), GRU_OK, &error, "zeros are fine");
    gru_layer_destroy(layer);
    newer.more[1] = 1;
    refuse(&newer.desc, &weights, GRU_BAD_STRUCT, "a field of a later version");
}

/* An allocator that fails: no layer, nothing kept; and one that works: all given back, whatever the variant. */
void test_api_layer_memory(void)
{
    fill_numbers();
    for (size_t i = 0; i < 3 * PROBLEM_WAYS; i++) {
        problem_shape s = {.input = INPUT,
                           .hidden = HIDDEN,
                           .steps = 1,
                           .rows = 1,
                           .reset = (enum problem_reset)(i % 3),
                           .way = (enum problem_way)(i / 3),
                           .bias = BIAS_6};
        problem p = problem_make(&s);
        way w = {.backend = check_this()};
        gru_desc desc = drive_desc(&p, &w);
        gru_weights views[2];
        drive_weights(&p, &w, views);
        check_memory memory = {.fail_at = 1};
        gru_allocator allocator = check_allocator(&memory);
        gru_layer *layer = NULL;
        gru_error error = {0};
        CHECK_STATUS(gru_layer_create(&layer, &desc, views, &allocator, &error), GRU_NO_MEMORY, &error, "no memory");
        CHECK(layer == NULL && memory.live == 0, "a layer without memory");
        memory.fail_at = 0;
        CHECK_STATUS(gru_layer_create(&layer, &desc, views, &allocator, &error), GRU_OK, &error, "memory");
        CHECK(memory.live > 0, "the allocator was used");
        gru_layer_destroy(layer);
        CHECK(memory.live == 0 && memory.bytes == 0 && memory.mistakes == 0, "all is given back");
        guarded_free_all();
    }
    gru_layer_destroy(NULL);
    gru_allocator half = {NULL, NULL, NULL};
    check_memory memory = {0};
    half.allocate = check_allocator(&memory).allocate;
    half.context = &memory;
    gru_desc desc = plain_desc();
    gru_weights weights = plain_weights();
    gru_layer *layer = NULL;
    gru_error error = {0};
    CHECK_STATUS(gru_layer_create(&layer, &desc, &weights, &half, &error), GRU_NULL_POINTER, &error,
                 "half an allocator");
    CHECK_STATUS(gru_layer_create(NULL, &desc, &weights, NULL, &error), GRU_NULL_POINTER, &error, "nowhere to put it");
}

void test_api_layer_place(void)
{
    fill_numbers();
    gru_desc desc = plain_desc();
    gru_weights weights = plain_weights();
    size_t bytes = 0;
    gru_error e = {0};
    gru_layer *layer = NULL;
    CHECK_STATUS(gru_layer_bytes(&desc, NULL, &e), GRU_NULL_POINTER, &e, "nowhere to put the bytes");
    CHECK_STATUS(gru_layer_bytes(NULL, &bytes, &e), GRU_NULL_POINTER, &e, "no description");
    CHECK_STATUS(gru_layer_bytes(&desc, &bytes, &e), GRU_OK, &e, "bytes");
    unsigned char *memory = guarded_bytes(bytes + GRU_ALIGNMENT, GUARD_BEFORE, 0);
    for (size_t shift = 1; shift < GRU_ALIGNMENT; shift *= 2) {
        CHECK_STATUS(gru_layer_place(&layer, &desc, &weights, memory + shift, bytes, &e), GRU_BAD_ALIGNMENT, &e,
                     "%zu bytes past a line", shift);
    }
    CHECK_STATUS(gru_layer_place(&layer, &desc, &weights, memory, bytes - 1, &e), GRU_SMALL_MEMORY, &e,
                 "a byte too few");
    CHECK_STATUS(gru_layer_place(&layer, &desc, &weights, NULL, bytes, &e), GRU_NULL_POINTER, &e, "no memory");
    CHECK_STATUS(gru_layer_place(NULL, &desc, &weights, memory, bytes, &e), GRU_NULL_POINTER, &e, "nowhere to put it");
    CHECK(layer == NULL, "no layer");
    for (size_t i = 0; i < bytes; i++) {
        if (!CHECK(memory[i] == 0xa5, "byte %zu was written", i)) {
            break;
        }
    }
    CHECK_STATUS(gru_layer_place(&layer, &desc, &weights, memory, bytes, &e), GRU_OK, &e, "exactly enough");
    gru_layer_destroy(layer);
}

/* What a layer says of itself, and weights that it refuses to take. */
void test_api_layer_repack(void)
{
    fill_numbers();
    gru_desc desc = plain_desc(), told = {.size = sizeof told};
    gru_weights weights = plain_weights();
    gru_layer *layer = NULL;
    gru_error e = {0};
    desc.backend = NULL;
    desc.gates = GRU_GATES_HARD_SIGMOID;
    if (!CHECK_STATUS(gru_layer_create(&layer, &desc, &weights, NULL, &e), GRU_OK, &e, "create")) {
        return;
    }
    CHECK_STATUS(gru_layer_describe(layer, &told, &e), GRU_OK, &e, "describe");
    CHECK(told.input == INPUT && told.hidden == HIDDEN && told.bias == GRU_BIAS_SIX, "sizes and biases are told");
    CHECK(told.hard_alpha == 0.2f && told.hard_beta == 0.5f, "defaults are filled in");
    CHECK(told.backend != NULL, "the chosen back end is told");
    CHECK_STATUS(gru_layer_describe(NULL, &told, &e), GRU_NULL_POINTER, &e, "no layer");
    CHECK_STATUS(gru_layer_describe(layer, NULL, &e), GRU_NULL_POINTER, &e, "no description");
    gru_layer *soft = NULL;
    gru_desc other = desc;
    other.gates = GRU_GATES_SIGMOID;
    other.hard_alpha = 0.3f;
    other.hard_beta = 0.7f;
    CHECK_STATUS(gru_layer_create(&soft, &other, &weights, NULL, &e), GRU_OK, &e, "numbers that gates don't use");
    CHECK_STATUS(gru_layer_describe(soft, &told, &e), GRU_OK, &e, "describe");
    CHECK(check_bits_of(told.hard_alpha) == 0 && check_bits_of(told.hard_beta) == 0,
          "they are told as 0, not %g and %g", (double)told.hard_alpha, (double)told.hard_beta);
    gru_layer_destroy(soft);
    told.size = 0;
    CHECK_STATUS(gru_layer_describe(layer, &told, &e), GRU_BAD_STRUCT, &e, "a description without its size");

    CHECK_STATUS(gru_layer_repack(NULL, &weights, &e), GRU_NULL_POINTER, &e, "no layer");
    CHECK_STATUS(gru_layer_repack(layer, NULL, &e), GRU_NULL_POINTER, &e, "no weights");
    weights.bh[GRU_N].data = NULL;
    CHECK_STATUS(gru_layer_repack(layer, &weights, &e), GRU_BAD_BIAS, &e, "a bias is missing");
    weights = plain_weights();
    weights.u[GRU_R].data = NULL;
    CHECK_STATUS(gru_layer_repack(layer, &weights, &e), GRU_NULL_POINTER, &e, "a matrix is missing");
    gru_layer_destroy(layer);
}

/* --- Back ends ------------------------------------------------------------------------------------- */

void test_api_backends(void)
{
    const gru_backend *found = NULL, *const best = gru_backend_at(0);
    gru_error e = {0};
    size_t count = 0;
    CHECK(best != NULL, "there is always one");
    for (; gru_backend_at(count) != NULL; count++) {
        const gru_backend *b = gru_backend_at(count);
        CHECK_STATUS(gru_backend_find(&found, gru_backend_name(b), &e), GRU_OK, &e, "%s", gru_backend_name(b));
        CHECK(found == b, "%s is found by its name", gru_backend_name(b));
    }
    CHECK(gru_backend_at(count) == NULL && gru_backend_at(SIZE_MAX) == NULL, "past the last there are none");
    CHECK(strcmp(gru_backend_name(gru_backend_at(count - 1)), "scalar") == 0, "scalar is the last");

    found = best;
    CHECK_STATUS(gru_backend_find(&found, "sse9", &e), GRU_UNKNOWN_BACKEND, &e, "an unknown name");
    for (size_t i = 0; i < count; i++) {
        CHECK(strstr(e.text, gru_backend_name(gru_backend_at(i))) != NULL, "the error names those that there are: %s", e.text);
    }
    CHECK_STATUS(gru_backend_find(&found, "", &e), GRU_UNKNOWN_BACKEND, &e, "an empty name");
    char name[400] = "e"; /* and characters of two bytes, none of which may be cut in two */
    for (size_t i = 1; i < 399; i += 2) {
        memcpy(name + i, "\303\251", 2);
    }
    for (size_t start = 0; start < 2; start++) {
        CHECK_STATUS(gru_backend_find(&found, name + start, &e), GRU_UNKNOWN_BACKEND, &e, "a long name");
        CHECK((unsigned char)e.text[strlen(e.text) - 1] == 0xa9, "the text ends with a whole character: %s", e.text);
    }
    CHECK(gru_backend_name(NULL) == NULL, "no back end has no name");
    CHECK_STATUS(gru_backend_find(NULL, "scalar", &e), GRU_NULL_POINTER, &e, "nowhere to put it");
    static const char *const known[] = {"avx512", "avx2", "neon"};
    for (size_t i = 0; i < 3; i++) {
        enum gru_status status = gru_backend_find(&found, known[i], &e);
        CHECK(status == GRU_OK || status == GRU_MISSING_BACKEND, "%s gives status %d", known[i], (int)status);
        CHECK(status == GRU_OK || strstr(e.text, "scalar") != NULL, "the error names those that there are: %s", e.text);
        found = status == GRU_OK ? best : found;
    }
    CHECK(found == best, "a failure writes nothing");
}

/* AVX2 where eight lanes are enough and the CPU has AVX-512 too; else the best. */
static const gru_backend *narrowest(size_t units)
{
    const gru_backend *best = gru_backend_at(0), *next = gru_backend_at(1);
    bool both = strcmp(gru_backend_name(best), "avx512") == 0 && next != NULL &&
                strcmp(gru_backend_name(next), "avx2") == 0;
    return both && units <= 8 ? next : best;
}

static const gru_backend *backend_of_layer(size_t units)
{
    const float zeros[3 * 20 * 20] = {0};
    gru_desc desc = {.size = sizeof desc, .input = 1, .hidden = units}, made = {.size = sizeof made};
    gru_weights weights = {.size = sizeof weights};
    gru_layer *layer;
    gru_error e = {0};
    CHECK_STATUS(gru_weights_pytorch(&weights, &desc, zeros, zeros, NULL, NULL, &e), GRU_OK, &e, "weights");
    CHECK_STATUS(gru_layer_create(&layer, &desc, &weights, NULL, &e), GRU_OK, &e, "a layer of %zu units", units);
    CHECK_STATUS(gru_layer_describe(layer, &made, &e), GRU_OK, &e, "its description");
    gru_layer_destroy(layer);
    return made.backend;
}

/* The environment chooses if the caller doesn't. */
void test_api_backend_environment(void)
{
    const char *kept = getenv("GRU_BACKEND");
    char *copy = kept ? strdup(kept) : NULL;
    const gru_backend *found = NULL;
    gru_error e = {0};
    setenv("GRU_BACKEND", "scalar", 1);
    CHECK_STATUS(gru_backend_find(&found, NULL, &e), GRU_OK, &e, "GRU_BACKEND=scalar");
    CHECK(found == check_scalar(), "GRU_BACKEND=scalar chooses scalar");
    CHECK(gru_backend_find(&found, gru_backend_name(gru_backend_at(0)), NULL) == GRU_OK && found == gru_backend_at(0),
          "a name goes before the environment");
    setenv("GRU_BACKEND", "sse9", 1);
    CHECK_STATUS(gru_backend_find(&found, NULL, &e), GRU_UNKNOWN_BACKEND, &e, "GRU_BACKEND=sse9");
    size_t bytes = 0;
    const gru_desc desc = {.size = sizeof desc, .input = 1, .hidden = 1};
    CHECK_STATUS(gru_layer_bytes(&desc, &bytes, &e), GRU_UNKNOWN_BACKEND, &e, "a layer, GRU_BACKEND=sse9");
    setenv("GRU_BACKEND", "", 1);
    CHECK(gru_backend_find(&found, NULL, NULL) == GRU_OK && found == gru_backend_at(0), "an empty one chooses nothing");
    unsetenv("GRU_BACKEND");
    CHECK(gru_backend_find(&found, NULL, NULL) == GRU_OK && found == gru_backend_at(0), "else the best");
    for (size_t units = 1; units <= 20; units++) {
        const gru_backend *wanted = narrowest(units);
        setenv("GRU_BACKEND", "", 1);
        CHECK(backend_of_layer(units) == wanted, "%zu units: %s", units, gru_backend_name(wanted));
        setenv("GRU_BACKEND", gru_backend_name(gru_backend_at(0)), 1);
        CHECK(backend_of_layer(units) == gru_backend_at(0), "%zu units: the environment's", units);
    }
    unsetenv("GRU_BACKEND");
    if (copy != NULL) {
        setenv("GRU_BACKEND", copy, 1);
    }
    free(copy);
}
