/* SPDX-License-Identifier: BSD-2-Clause */
/* test_blocks.c: the building blocks: arrays of activations, the update, and gates of their own. */
#include "check.h"
#include "definition.h"

#include <math.h>
#include <string.h>

/* LONGEST: eight vectors of 16 side by side, then vectors one at a time, then a part of one. */
enum { TIERS = 4, MOST = 70, LONGEST = 150 };

/* Numbers of every kind: ordinary, large, tiny, subnormal, zeros, infinities, NaN. */
static float any_number(void)
{
    static const uint32_t special[] = {
        0x00000000, 0x80000000, 0x00000001, 0x807fffff, 0x00800000, LEAST_BITS - 1, LEAST_BITS, 0x80000000 | LEAST_BITS,
        0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 0x7f7fffff, 0xff7fffff,     0x3f800000, 0xbf800000};
    switch (check_below(4)) {
    case 0:
        return check_float_of(special[check_below(sizeof special / sizeof special[0])]);
    case 1:
        return check_float_of((uint32_t)check_random());
    default:
        return check_uniform(-10.0f, 10.0f);
    }
}

static float *numbers(size_t n, size_t offset)
{
    float *array = guarded_floats(n, check_below(2) ? GUARD_BEFORE : GUARD_AFTER, offset);
    for (size_t i = 0; i < n; i++) {
        array[i] = any_number();
    }
    return array;
}

static float *copy_of(const float *array, size_t n, size_t offset)
{
    float *copy = guarded_floats(n, GUARD_AFTER, offset);
    memcpy(copy, array, n * sizeof(float));
    return copy;
}

/* --- Sigmoid and tanh ------------------------------------------------------------------------------ */

typedef enum gru_status array_function(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x,
                                       float *y, gru_error *error);

static array_function *const functions[2] = {gru_sigmoid, gru_tanh};
static const char *const function_names[2] = {"sigmoid", "tanh"};

/* Each size and tail against the scalar back end one element at a time, apart and in place, at any alignment. */
static void check_array(int f, enum gru_tier tier, size_t n)
{
    const float *x = numbers(n, check_below(16));
    guarded_freeze(x);
    float *want = guarded_floats(n, GUARD_AFTER, 0);
    for (size_t i = 0; i < n; i++) {
        functions[f](check_scalar(), tier, 1, x + i, want + i, NULL);
    }
    float *apart = guarded_floats(n, GUARD_AFTER, check_below(16)), *same = copy_of(x, n, check_below(16));
    gru_error error = {0};
    CHECK_STATUS(functions[f](check_this(), tier, n, x, apart, &error), GRU_OK, &error, "%s", function_names[f]);
    CHECK_STATUS(functions[f](check_this(), tier, n, same, same, &error), GRU_OK, &error, "%s", function_names[f]);
    CHECK_BITS(apart, want, n, "%s, tier %d, %zu elements", function_names[f], (int)tier, n);
    CHECK_BITS(same, want, n, "%s, tier %d, %zu elements in place", function_names[f], (int)tier, n);
    for (size_t i = 0; i < n; i++) {
        bool inside = apart[i] >= (f == 0 ? 0.0f : -1.0f) && apart[i] <= 1.0f;
        CHECK(isnan(x[i]) ? isnan(apart[i]) : inside, "%s(%a) = %a", function_names[f], (double)x[i], (double)apart[i]);
    }
}

void test_blocks_activations(void)
{
    for (int tier = 0; tier < TIERS; tier++) {
        if (gru_tanh(check_this(), (enum gru_tier)tier, 0, NULL, NULL, NULL) != GRU_OK) {
            continue; /* test_blocks_tiers says which those may be */
        }
        for (size_t n = 0; n <= LONGEST; n++) {
            check_array(0, (enum gru_tier)tier, n);
            check_array(1, (enum gru_tier)tier, n);
            guarded_free_all();
        }
    }
}

/* Only SLEEF's tier may be missing, and then for all functions alike, with a reason. */
void test_blocks_tiers(void)
{
    float x = 0.5f, y = 0.0f;
    for (int tier = 0; tier < TIERS; tier++) {
        for (int f = 0; f < 2; f++) {
            gru_error error = {0};
            enum gru_status status = functions[f](check_this(), (enum gru_tier)tier, 1, &x, &y, &error);
            bool missing = status == GRU_UNSUPPORTED && error.status == status && error.text[0] != '\0';
            CHECK(status == GRU_OK || (tier == GRU_TIER_SLEEF && missing), "%s, tier %d: %s", function_names[f], tier,
                  error.text);
        }
    }
}

/* What the header says of special values: subnormals count as a zero of their sign, tiny ones are kept by tanh. */
void test_blocks_special(void)
{
    for (int tier = 0; tier < TIERS; tier++) {
        static const uint32_t bits[] = {0x00000001, 0x007fffff, 0x80000001, 0x807fffff, 0x00000000, 0x80000000};
        float x[6], zeros[6], got[6], want[6], ends[4] = {INFINITY, -INFINITY, 200.0f, -200.0f};
        for (size_t i = 0; i < 6; i++) {
            x[i] = check_float_of(bits[i]);
            zeros[i] = check_float_of(bits[i] & 0x80000000);
        }
        for (int f = 0; f < 2; f++) {
            if (functions[f](check_this(), (enum gru_tier)tier, 6, x, got, NULL) == GRU_OK) {
                functions[f](check_this(), (enum gru_tier)tier, 6, zeros, want, NULL);
                CHECK_BITS(got, want, 6, "%s of subnormals, tier %d", function_names[f], tier);
                functions[f](check_this(), (enum gru_tier)tier, 4, ends, got, NULL);
                CHECK(got[0] == 1.0f && got[2] == 1.0f, "%s at its upper end, tier %d", function_names[f], tier);
                CHECK(f == 0 || (got[1] == -1.0f && got[3] == -1.0f), "tanh at its lower end, tier %d", tier);
                CHECK(f == 1 || (got[1] == 0.0f && got[3] <= 1e-37f), "sigmoid at its lower end, tier %d", tier);
            }
        }
        float small = 0x1p-100f;
        if (gru_tanh(check_this(), (enum gru_tier)tier, 1, &small, got, NULL) == GRU_OK) {
            CHECK(got[0] == small, "tanh(2^-100) = %a, tier %d", (double)got[0], tier);
        }
    }
}

void test_blocks_array_refusals(void)
{
    float *x = guarded_floats(20, GUARD_AFTER, 0), before[20];
    check_fill(x, 20, -1.0f, 1.0f);
    memcpy(before, x, sizeof before);
    const gru_backend *b = check_this();
    gru_error e = {0};
    for (int f = 0; f < 2; f++) {
        array_function *call = functions[f];
        CHECK_STATUS(call(NULL, GRU_TIER_FAST, 8, x, x, &e), GRU_NULL_POINTER, &e, "no back end");
        CHECK_STATUS(call(b, GRU_TIER_FAST, 8, NULL, x, &e), GRU_NULL_POINTER, &e, "no x");
        CHECK_STATUS(call(b, GRU_TIER_FAST, 8, x, NULL, &e), GRU_NULL_POINTER, &e, "no y");
        CHECK_STATUS(call(b, (enum gru_tier)4, 8, x, x, &e), GRU_BAD_ENUM, &e, "an unknown tier");
        CHECK_STATUS(call(b, (enum gru_tier) - 1, 8, x, x, &e), GRU_BAD_ENUM, &e, "a negative tier");
        CHECK_STATUS(call(b, GRU_TIER_FAST, 8, x, x + 1, &e), GRU_OVERLAP, &e, "y is a little after x");
        CHECK_STATUS(call(b, GRU_TIER_FAST, 8, x + 7, x, &e), GRU_OVERLAP, &e, "y is a little before x");
        CHECK_STATUS(call(b, GRU_TIER_FAST, SIZE_MAX / 2, x, x, &e), GRU_OVERFLOW, &e, "more than there is memory");
        CHECK(call(b, GRU_TIER_FAST, 8, NULL, x, NULL) == GRU_NULL_POINTER, "without an error");
        CHECK_BITS(x, before, 20, "nothing is written");
        CHECK(call(b, GRU_TIER_FAST, 0, NULL, NULL, NULL) == GRU_OK, "no elements are fine");
        CHECK(call(b, GRU_TIER_FAST, 8, x, x + 8, NULL) == GRU_OK, "neighbours don't overlap");
        CHECK(call(b, GRU_TIER_FAST, 8, x + 8, x, NULL) == GRU_OK, "nor does an output that ends where x begins");
        memcpy(x, before, sizeof before);
    }
}

/* --- The update ------------------------------------------------------------------------------------ */

static void check_blend(enum gru_update update, size_t n)
{
    float *in[3], *want = guarded_floats(n, GUARD_AFTER, 0), *out = guarded_floats(n, GUARD_AFTER, check_below(16));
    for (int i = 0; i < 3; i++) {
        in[i] = numbers(n, check_below(16));
    }
    for (size_t i = 0; i < n; i++) {
        float z = definition_read(in[0][i]), h = definition_read(in[1][i]), c = definition_read(in[2][i]);
        float held = update == GRU_UPDATE_KEEP ? h : c, left = update == GRU_UPDATE_KEEP ? c : h;
        want[i] = definition_read(fmaf(z, held, fmaf(-z, left, left)));
    }
    gru_error error = {0};
    CHECK_STATUS(gru_update_blend(check_this(), update, n, in[0], in[1], in[2], out, &error), GRU_OK, &error, "apart");
    CHECK_BITS(out, want, n, "update %d of %zu elements", (int)update, n);
    for (int i = 0; i < 3; i++) {
        const float *arrays[3] = {in[0], in[1], in[2]};
        float *same = copy_of(in[i], n, check_below(16));
        arrays[i] = same;
        CHECK_STATUS(gru_update_blend(check_this(), update, n, arrays[0], arrays[1], arrays[2], same, &error), GRU_OK,
                     &error, "in place");
        CHECK_BITS(same, want, n, "update %d of %zu elements over array %d", (int)update, n, i);
    }
}

void test_blocks_blend(void)
{
    for (size_t n = 0; n <= MOST; n++) {
        check_blend(GRU_UPDATE_KEEP, n);
        check_blend(GRU_UPDATE_REPLACE, n);
        guarded_free_all();
    }
}

void test_blocks_blend_refusals(void)
{
    float a[3][8], out[16], before[16];
    const gru_backend *b = check_this();
    memset(a, 0, sizeof a);
    check_fill(out, 16, -1.0f, 1.0f);
    memcpy(before, out, sizeof before);
    gru_error e = {0};
    CHECK_STATUS(gru_update_blend(NULL, GRU_UPDATE_KEEP, 8, a[0], a[1], a[2], out, &e), GRU_NULL_POINTER, &e,
                 "back end");
    CHECK_STATUS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, NULL, a[1], a[2], out, &e), GRU_NULL_POINTER, &e, "z");
    CHECK_STATUS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, a[0], NULL, a[2], out, &e), GRU_NULL_POINTER, &e, "h");
    CHECK_STATUS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, a[0], a[1], NULL, out, &e), GRU_NULL_POINTER, &e, "n");
    CHECK_STATUS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, a[0], a[1], a[2], NULL, &e), GRU_NULL_POINTER, &e, "out");
    CHECK_STATUS(gru_update_blend(b, (enum gru_update)2, 8, a[0], a[1], a[2], out, &e), GRU_BAD_ENUM, &e, "update");
    CHECK_STATUS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, out + 1, a[1], a[2], out, &e), GRU_OVERLAP, &e, "z");
    CHECK_STATUS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, a[0], out + 7, a[2], out, &e), GRU_OVERLAP, &e, "h");
    CHECK_STATUS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, a[0], a[1], out, out + 3, &e), GRU_OVERLAP, &e, "n");
    CHECK_BITS(out, before, 16, "nothing is written");
    CHECK(gru_update_blend(b, GRU_UPDATE_KEEP, 0, NULL, NULL, NULL, NULL, &e) == GRU_OK, "no elements are fine");
}
