/* SPDX-License-Identifier: BSD-2-Clause */
/* test_desc.c: how descriptions and weights are read and checked. */
#include "check.h"
#include "desc.h"

#include <math.h>
#include <string.h>

static gru_desc plain(void)
{
    return (gru_desc){.size = sizeof(gru_desc), .input = 3, .hidden = 5};
}

static void expect(const gru_desc *desc, enum gru_status want, const char *what)
{
    gru_error error;
    gru_desc to, before;
    memset(&to, 0xa5, sizeof to);
    before = to;
    CHECK_STATUS(gru_desc_read(&to, desc, &error), want, &error, "%s", what);
    CHECK((memcmp(&to, &before, sizeof to) == 0) == (want != GRU_OK), "%s: what was written", what);
    CHECK(gru_desc_read(&to, desc, NULL) == want, "%s: without an error", what);
}

void test_desc_numbers(void)
{
    static const struct {
        float clip, alpha, beta;
        enum gru_status want;
    } rows[] = {
        {0.0f, 0.0f, 0.0f, GRU_OK},
        {-0.0f, 0.2f, 0.5f, GRU_OK},
        {1e-30f, -1.0f, -1.0f, GRU_OK},
        {INFINITY, 0.0f, 0.5f, GRU_OK},
        {-1e-30f, 0.0f, 0.0f, GRU_BAD_VALUE},
        {-INFINITY, 0.0f, 0.0f, GRU_BAD_VALUE},
        {NAN, 0.0f, 0.0f, GRU_BAD_VALUE},
        {0.0f, NAN, 0.0f, GRU_BAD_VALUE},
        {0.0f, INFINITY, 0.0f, GRU_BAD_VALUE},
        {0.0f, 0.0f, NAN, GRU_BAD_VALUE},
        {0.0f, 0.0f, -INFINITY, GRU_BAD_VALUE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gru_desc desc = plain();
        desc.clip = rows[i].clip;
        desc.hard_alpha = rows[i].alpha;
        desc.hard_beta = rows[i].beta;
        char what[80];
        snprintf(what, sizeof what, "clip %g, hard %g, %g", (double)desc.clip, (double)desc.hard_alpha,
                 (double)desc.hard_beta);
        expect(&desc, rows[i].want, what);
        desc.gates = GRU_GATES_HARD_SIGMOID;
        expect(&desc, rows[i].want, what);
    }
}

/* Each enum: its last value is known, the next and -1 aren't. */
void test_desc_enums(void)
{
    gru_desc desc = plain();
    const struct {
        void *field;
        int last;
    } fields[] = {
        {&desc.reset, GRU_RESET_NONE},     {&desc.update, GRU_UPDATE_REPLACE},      {&desc.bias, GRU_BIAS_SIX},
        {&desc.merge, GRU_MERGE_SUM},      {&desc.direction, GRU_BIDIRECTIONAL},    {&desc.tier, GRU_TIER_SLEEF},
        {&desc.weight_type, GRU_F32},      {&desc.gates, GRU_GATES_HARD_SIGMOID},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const int values[] = {fields[i].last, fields[i].last + 1, -1, 1 << 30};
        for (size_t k = 0; k < 4; k++) {
            desc = plain();
            memcpy(fields[i].field, &values[k], sizeof(int));
            char what[40];
            snprintf(what, sizeof what, "enum %zu is %d", i, values[k]);
            expect(&desc, k == 0 ? GRU_OK : GRU_BAD_ENUM, what);
        }
    }
}

/* Whether 3 * directions * H * (I + H) floats are at most PTRDIFF_MAX bytes, in long arithmetic of another kind. */
static bool fits(size_t input, size_t hidden, size_t directions)
{
    long double columns = (long double)input + (long double)hidden;
    long double bytes = 12.0L * (long double)directions * (long double)hidden * columns;
    return bytes <= (long double)PTRDIFF_MAX;
}

/* Sizes round each power of two at which a product of 32 or of 64 bits wraps. None of the pairs lies so near the limit
 * that a long double's 64 bits (53 on some machines) couldn't tell. */
void test_desc_sizes(void)
{
    static const unsigned shifts[] = {1, 15, 16, 29, 30, 31, 32, 33, 61, 62, 63};
    enum { SHIFTS = sizeof shifts / sizeof shifts[0], EDGES = 3 * SHIFTS + 1 };
    size_t edges[EDGES];
    for (size_t i = 0; i < EDGES - 1; i++)
        edges[i] = ((size_t)1 << shifts[i / 3]) + i % 3 - 1;
    edges[EDGES - 1] = SIZE_MAX;
    for (size_t i = 0; i < EDGES * EDGES * 2; i++) {
        gru_desc desc = plain();
        desc.input = edges[i / 2 / EDGES];
        desc.hidden = edges[i / 2 % EDGES];
        desc.direction = i % 2 ? GRU_BIDIRECTIONAL : GRU_REVERSE;
        char what[80];
        snprintf(what, sizeof what, "input %zu, hidden %zu, direction %d", desc.input, desc.hidden,
                 (int)desc.direction);
        expect(&desc, fits(desc.input, desc.hidden, 1 + i % 2) ? GRU_OK : GRU_OVERFLOW, what);
    }
    for (size_t i = 0; i < 4; i++) {
        gru_desc desc = plain();
        desc.input = i & 1;
        desc.hidden = i >> 1;
        expect(&desc, i == 3 ? GRU_OK : GRU_ZERO_SIZE, "sizes 0 and 1");
    }
}

void test_desc_canonical(void)
{
    gru_desc desc = plain(), to = plain();
    desc.merge = GRU_MERGE_SUM;
    desc.hard_alpha = 0.3f;
    desc.hard_beta = 0.7f;
    desc.clip = INFINITY;
    CHECK(gru_desc_read(&to, &desc, NULL) == GRU_OK && to.merge == GRU_MERGE_CONCAT &&
              check_bits_of(to.hard_alpha) == 0 && check_bits_of(to.hard_beta) == 0 && check_bits_of(to.clip) == 0,
          "fields without a meaning are zero: merge %d, alpha %g, beta %g, clip %g", (int)to.merge,
          (double)to.hard_alpha, (double)to.hard_beta, (double)to.clip);

    desc.hard_beta = 0.0f;
    desc.gates = GRU_GATES_HARD_SIGMOID;
    desc.direction = GRU_BIDIRECTIONAL;
    CHECK(gru_desc_read(&to, &desc, NULL) == GRU_OK && to.merge == GRU_MERGE_SUM && to.hard_alpha == 0.3f &&
              check_bits_of(to.hard_beta) == 0,
          "fields with a meaning are kept: merge %d, %g, %g", (int)to.merge, (double)to.hard_alpha,
          (double)to.hard_beta);
    desc.hard_alpha = 0.0f;
    CHECK(gru_desc_read(&to, &desc, NULL) == GRU_OK && to.hard_alpha == 0.2f && to.hard_beta == 0.5f,
          "hard sigmoid's defaults are 0.2 and 0.5, not %g and %g", (double)to.hard_alpha, (double)to.hard_beta);
    desc.clip = -0.0f;
    CHECK(gru_desc_read(&to, &desc, NULL) == GRU_OK && check_bits_of(to.clip) == 0, "a clip of -0 is none");
}

/* Weights with all matrices of a variant, and the biases that `letters` names: "rzn:n" is bx of each gate, bh of n. */
static gru_weights filled(bool reset, const char *letters, const float *data)
{
    static const char names[] = "rzn";
    const char *colon = strchr(letters, ':');
    gru_weights weights = {.size = sizeof weights};
    for (size_t g = reset ? 0 : 1; g < 3; g++) {
        weights.w[g] = (gru_matrix){data, 3, 1};
        weights.u[g] = (gru_matrix){data, 5, 1};
        if (memchr(letters, names[g], (size_t)(colon - letters)) != NULL)
            weights.bx[g] = (gru_vector){data, 1};
        if (strchr(colon, names[g]) != NULL)
            weights.bh[g] = (gru_vector){data, 1};
    }
    return weights;
}

/* Every pair of announced and given biases: right only if they agree. */
void test_weights_biases(void)
{
    static const float data[64];
    static const char *const announced[2][5] = {{":", "zn:", "z:n", "zn:n", "zn:zn"},
                                                {":", "rzn:", "rz:n", "rzn:n", "rzn:rzn"}};
    gru_error error;
    for (unsigned i = 0; i < 2 * 5 * 64; i++) {
        bool reset = i / 320 != 0;
        gru_desc desc = plain();
        desc.reset = reset ? GRU_RESET_AFTER : GRU_RESET_NONE;
        desc.bias = (enum gru_bias)(i / 64 % 5);
        char letters[8];
        snprintf(letters, sizeof letters, "%s%s%s:%s%s%s", i & 1 ? "r" : "", i & 2 ? "z" : "", i & 4 ? "n" : "",
                 i & 8 ? "r" : "", i & 16 ? "z" : "", i & 32 ? "n" : "");
        gru_weights weights = filled(reset, letters, data);
        if (!reset) { /* filled() leaves r out, and a bias of a gate that isn't there is the point of some rows */
            weights.bx[GRU_R].data = i & 1 ? data : NULL;
            weights.bh[GRU_R].data = i & 8 ? data : NULL;
        }
        bool right = strcmp(letters, announced[reset][desc.bias]) == 0;
        CHECK_STATUS(gru_weights_check(&weights, &desc, "weights", &error), right ? GRU_OK : GRU_BAD_BIAS, &error,
                     "reset %d, bias %d, given %s", (int)desc.reset, (int)desc.bias, letters);
    }
}

void test_weights_matrices(void)
{
    static const float data[64];
    gru_error error;
    for (unsigned i = 0; i < 2 * 64; i++) {
        bool reset = i / 64 != 0;
        gru_desc desc = plain();
        desc.reset = reset ? GRU_RESET_BEFORE : GRU_RESET_NONE;
        gru_weights weights = filled(reset, ":", data);
        for (size_t g = 0; g < 3; g++) {
            weights.w[g].data = i & 1u << g ? data : NULL;
            weights.u[g].data = i & 8u << g ? data : NULL;
        }
        enum gru_status got = gru_weights_check(&weights, &desc, "weights", &error);
        unsigned wanted = reset ? 077 : 066, given = i % 64;
        if (given == wanted)
            CHECK(got == GRU_OK, "matrices %o: %s", given, error.text);
        else if ((given & wanted) == wanted)
            CHECK_STATUS(got, GRU_BAD_DIALECT, &error, "matrices %o, one too many", given);
        else if ((given & ~wanted) == 0)
            CHECK_STATUS(got, GRU_NULL_POINTER, &error, "matrices %o, one missing", given);
        else
            CHECK(got != GRU_OK, "matrices %o are refused", given);
    }
}

void test_weights_strides(void)
{
    static const float data[64];
    const ptrdiff_t most = PTRDIFF_MAX / (ptrdiff_t)sizeof(float);
    static const enum { W_UNIT, W_COLUMN, U_UNIT, U_COLUMN, BIAS, FIELDS } first = W_UNIT;
    static const size_t counts[FIELDS] = {5, 3, 5, 5, 5};
    gru_error error;
    for (unsigned i = first; i < FIELDS * 6; i++) {
        ptrdiff_t last = (ptrdiff_t)counts[i / 6] - 1;
        const ptrdiff_t strides[6] = {-1, 0, (most - 20) / last, -((most - 20) / last), most, PTRDIFF_MIN};
        gru_desc desc = plain();
        desc.bias = GRU_BIAS_ONE;
        gru_weights weights = filled(true, "rzn:", data);
        ptrdiff_t *const fields[FIELDS] = {&weights.w[GRU_Z].unit, &weights.w[GRU_Z].column, &weights.u[GRU_Z].unit,
                                           &weights.u[GRU_Z].column, &weights.bx[GRU_Z].unit};
        *fields[i / 6] = strides[i % 6];
        CHECK_STATUS(gru_weights_check(&weights, &desc, "weights", &error), i % 6 < 4 ? GRU_OK : GRU_OVERFLOW, &error,
                     "stride field %u is %td", i / 6, strides[i % 6]);
    }
    gru_desc both = plain();
    gru_weights weights = filled(true, ":", data);
    weights.u[GRU_N] = (gru_matrix){data, -(most / 4 * 2 / 3), most / 4 * 2 / 3};
    CHECK_STATUS(gru_weights_check(&weights, &both, "weights", &error), GRU_OVERFLOW, &error, "two strides too many");

    gru_desc one = plain();
    one.hidden = 1;
    weights.u[GRU_N] = (gru_matrix){data, PTRDIFF_MIN, PTRDIFF_MAX};
    CHECK_STATUS(gru_weights_check(&weights, &one, "weights", &error), GRU_OK, &error, "a stride that is never taken");
}

/* Two views of a newer caller lie farther apart than ours would. */
void test_weights_read(void)
{
    static const float data[64];
    gru_error error;
    gru_desc desc = plain();
    desc.direction = GRU_BIDIRECTIONAL;
    struct {
        gru_weights view;
        size_t future;
    } newer[2] = {{filled(true, ":", data), 0}, {filled(true, ":", data + 1), 0}};
    newer[0].view.size = newer[1].view.size = sizeof newer[0];
    gru_weights to[2];
    CHECK_STATUS(gru_weights_read(to, &newer[0].view, &desc, &error), GRU_OK, &error, "a newer caller");
    CHECK(to[0].w[GRU_R].data == data && to[1].w[GRU_R].data == data + 1, "both directions are found");
    newer[1].future = 1;
    CHECK_STATUS(gru_weights_read(to, &newer[0].view, &desc, &error), GRU_BAD_STRUCT, &error, "an unknown field");
    newer[1].future = 0;
    newer[1].view.u[GRU_N].data = NULL;
    CHECK_STATUS(gru_weights_read(to, &newer[0].view, &desc, &error), GRU_NULL_POINTER, &error, "the second's matrix");
    desc.direction = GRU_REVERSE;
    CHECK_STATUS(gru_weights_read(to, &newer[0].view, &desc, &error), GRU_OK, &error, "one direction reads one view");
    CHECK_STATUS(gru_weights_read(to, NULL, &desc, &error), GRU_NULL_POINTER, &error, "NULL");
}

/* A message says which of a bidirectional layer's two views it means. */
void test_weights_names(void)
{
    static const float data[64];
    static const char *const names[2][2] = {{"weights", "gru_weights"}, {"weights[0]", "weights[0]"}};
    for (int both = 0; both < 2; both++) {
        gru_desc desc = plain();
        desc.direction = both ? GRU_BIDIRECTIONAL : GRU_FORWARD;
        for (int second = 0; second <= both; second++) {
            const char *name = second ? "weights[1]" : names[both][0], *type = second ? "weights[1]" : names[both][1];
            for (int what = 0; what < 6; what++) {
                gru_weights to[2], views[2] = {filled(true, ":", data), filled(true, ":", data)};
                gru_weights *view = &views[second];
                gru_error error = {0};
                char want[80];
                const char *rest[6] = {".w[GRU_Z].data is NULL", ".u[GRU_N] with unit",
                                       ".bx[GRU_R].data is set", ".bh[GRU_N].data is set",
                                       ".size is 0: set it to",  ".size is 9, which it can't be"};
                view->w[GRU_Z].data = what == 0 ? NULL : data;
                view->u[GRU_N].unit = what == 1 ? PTRDIFF_MIN : 5;
                view->bx[GRU_R].data = what == 2 ? data : NULL;
                view->bh[GRU_N].data = what == 3 ? data : NULL;
                view->size = what == 4 ? 0 : what == 5 ? 9 : sizeof *view;
                snprintf(want, sizeof want, "%s%s", what < 4 ? name : type, rest[what]);
                CHECK(gru_weights_read(to, views, &desc, &error) != GRU_OK, "%s: refused", want);
                CHECK(strncmp(error.text, want, strlen(want)) == 0, "'%s' begins with '%s'", error.text, want);
            }
        }
    }
}
