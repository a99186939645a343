/* SPDX-License-Identifier: BSD-2-Clause */
/* test_golden.c: hashes of whole layers' outputs against those committed in golden.txt, on each back end and
 * machine. */
#include "drive.h"

#include <inttypes.h>
#include <string.h>

/*
 * Inputs come from the integer generator, and each operation that makes floats of them is exactly rounded, so they are
 * the same on x86 and on Arm. golden.txt holds two hashes a case: of the inputs, and of all outputs. If the first
 * differs, the test has changed; if only the second does, the arithmetic has, and GRU_ARITHMETIC must rise with it.
 * `gru-tests --test=golden --update-golden` writes the file anew, from the scalar back end.
 */
typedef struct golden_case {
    const char *name;
    problem_shape shape;
} golden_case;

#define SIZES(i, h, t, b) .input = i, .hidden = h, .steps = t, .rows = b

static const golden_case cases[] = {
    {"after", {SIZES(40, 64, 8, 3), .reset = RESET_PRODUCT, .bias = BIAS_6, .initial = true}},
    {"after-one", {SIZES(1, 1, 20, 1), .reset = RESET_PRODUCT, .bias = BIAS_6}},
    {"after-large", {SIZES(96, 200, 4, 5), .reset = RESET_PRODUCT, .bias = BIAS_6, .initial = true}},
    {"after-long", {SIZES(7, 33, 300, 2), .reset = RESET_PRODUCT, .bias = BIAS_6}},
    {"after-outside", {SIZES(13, 17, 6, 8), .reset = RESET_PRODUCT, .bias = BIAS_3_OUTSIDE}},
    {"after-inside", {SIZES(13, 31, 6, 2), .reset = RESET_PRODUCT, .bias = BIAS_3_INSIDE}},
    {"after-four", {SIZES(13, 32, 6, 17), .reset = RESET_PRODUCT, .bias = BIAS_4}},
    {"after-bare", {SIZES(5, 70, 6, 1), .reset = RESET_PRODUCT, .bias = BIAS_0, .initial = true}},
    {"after-replace", {SIZES(9, 16, 9, 4), .reset = RESET_PRODUCT, .bias = BIAS_6, .replace = true}},
    {"before", {SIZES(40, 64, 8, 3), .reset = RESET_STATE, .bias = BIAS_3_OUTSIDE, .initial = true}},
    {"before-replace", {SIZES(6, 15, 12, 5), .reset = RESET_STATE, .bias = BIAS_6, .replace = true}},
    {"before-four", {SIZES(21, 65, 5, 2), .reset = RESET_STATE, .bias = BIAS_4}},
    {"before-large", {SIZES(130, 129, 3, 9), .reset = RESET_STATE, .bias = BIAS_6, .initial = true}},
    {"none", {SIZES(24, 48, 8, 3), .reset = RESET_NOTHING, .bias = BIAS_3_OUTSIDE, .initial = true}},
    {"none-replace", {SIZES(8, 7, 15, 6), .reset = RESET_NOTHING, .bias = BIAS_6, .replace = true}},
    {"faster", {SIZES(20, 47, 6, 3), .reset = RESET_PRODUCT, .bias = BIAS_6, .tier = TIER_5E5}},
    {"accurate", {SIZES(20, 47, 6, 3), .reset = RESET_PRODUCT, .bias = BIAS_6, .tier = TIER_1ULP}},
    {"sleef", {SIZES(20, 47, 6, 3), .reset = RESET_PRODUCT, .bias = BIAS_6, .tier = TIER_SLEEF_1ULP}},
    {"hard", {SIZES(11, 24, 8, 3), .reset = RESET_STATE, .bias = BIAS_3_OUTSIDE, .hard = true}},
    {"hard-own", {SIZES(11, 25, 8, 3), .reset = RESET_PRODUCT, .bias = BIAS_6, .hard = true, .own_slope = true}},
    {"clip", {SIZES(30, 23, 8, 3), .reset = RESET_PRODUCT, .bias = BIAS_6, .clipped = true}},
    {"ragged", {SIZES(10, 19, 9, 12), .reset = RESET_PRODUCT, .bias = BIAS_6, .ragged = true, .initial = true}},
    {"reverse", {SIZES(10, 19, 9, 7), .reset = RESET_PRODUCT, .bias = BIAS_6, .ragged = true, .way = WAY_REVERSE}},
    {"computed-order",
     {SIZES(10, 9, 9, 7), .reset = RESET_STATE, .bias = BIAS_3_OUTSIDE, .ragged = true, .way = WAY_REVERSE,
      .computed_order = true}},
    {"both", {SIZES(18, 37, 7, 5), .reset = RESET_PRODUCT, .bias = BIAS_6, .way = WAY_BOTH, .ragged = true}},
    {"both-sum", {SIZES(18, 8, 7, 5), .reset = RESET_NOTHING, .bias = BIAS_4, .way = WAY_BOTH_SUM, .initial = true}},
    {"mask", {SIZES(12, 40, 10, 4), .reset = RESET_PRODUCT, .bias = BIAS_6, .masked = true, .reset_state = true}},
    {"tiny", {SIZES(16, 34, 6, 6), .reset = RESET_STATE, .bias = BIAS_6, .tiny = true, .initial = true}},
};

enum { CASES = sizeof cases / sizeof cases[0] };

typedef struct hashes {
    char name[40];
    uint64_t inputs, outputs;
} hashes;

static uint64_t hash_inputs(const problem *p)
{
    uint64_t hash = CHECK_HASH;
    size_t I = p->shape.input, H = p->shape.hidden;
    for (size_t d = 0; d < p->directions; d++) {
        for (int g = 0; g < 3; g++) {
            hash = check_hash(hash, p->w[d][g], p->w[d][g] ? H * I : 0);
            hash = check_hash(hash, p->u[d][g], p->u[d][g] ? H * H : 0);
            hash = check_hash(hash, p->bx[d][g], p->bx[d][g] ? H : 0);
            hash = check_hash(hash, p->bh[d][g], p->bh[d][g] ? H : 0);
        }
    }
    hash = check_hash(hash, p->x, p->shape.steps * p->shape.rows * I);
    hash = check_hash(hash, p->h0, p->h0 ? count_last(p) : 0);
    hash = check_hash(hash, p->reset_to, p->reset_to ? count_last(p) : 0);
    for (size_t i = 0; p->mask != NULL && i < p->shape.steps * p->shape.rows; i++) {
        float set = p->mask[i] != 0;
        hash = check_hash(hash, &set, 1);
    }
    return hash;
}

/* The case's hashes on a back end; outputs 0 if it couldn't be run, which has been reported. */
static hashes hash_case(const golden_case *c, const gru_backend *backend)
{
    hashes h = {.outputs = 0};
    snprintf(h.name, sizeof h.name, "%s", c->name);
    check_reseed(UINT64_C(20180214));
    problem p = problem_make(&c->shape);
    h.inputs = hash_inputs(&p);
    way w = {.backend = backend};
    answer a = drive(&p, &w);
    if (a.y != NULL) {
        h.outputs = check_hash(check_hash(CHECK_HASH, a.y, count_y(&p)), a.last, count_last(&p));
        for (int g = p.shape.reset == RESET_NOTHING; g < 3; g++) {
            h.outputs = check_hash(h.outputs, a.gates[g], count_gate(&p));
        }
    }
    guarded_free_all();
    return h;
}

static void write_golden(void)
{
    FILE *file = check_open("golden.txt", "w");
    if (!CHECK(file != NULL, "golden.txt can't be written")) {
        return;
    }
    fprintf(file,
            "# SPDX-License-Identifier: BSD-2-Clause\n"
            "# Written by gru-tests --test=golden --update-golden: case, hash of the inputs, hash of the outputs.\n"
            "arithmetic %d\n",
            GRU_ARITHMETIC);
    for (size_t i = 0; i < CASES; i++) {
        hashes h = hash_case(&cases[i], check_scalar());
        fprintf(file, "%s %016" PRIx64 " %016" PRIx64 "\n", h.name, h.inputs, h.outputs);
    }
    fclose(file);
}

/* Reads the file's cases; the count of them, or 0 after a report. */
static size_t read_golden(hashes *golden)
{
    FILE *file = check_open("golden.txt", "r");
    if (!CHECK(file != NULL, "golden.txt isn't there")) {
        return 0;
    }
    char line[200];
    int arithmetic = 0;
    size_t count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        hashes h;
        if (sscanf(line, "arithmetic %d", &arithmetic) == 1 || line[0] == '#') {
            continue;
        }
        int fields = sscanf(line, "%39s %" SCNx64 " %" SCNx64, h.name, &h.inputs, &h.outputs);
        if (CHECK(fields == 3 && count < CASES, "golden.txt has a line too many, or a bad one: %s", line)) {
            golden[count++] = h;
        }
    }
    fclose(file);
    CHECK(count == CASES, "golden.txt has %zu cases of %d: run with --update-golden", count, (int)CASES);
    CHECK(arithmetic == GRU_ARITHMETIC && gru_arithmetic() == GRU_ARITHMETIC,
          "golden.txt is of arithmetic %d, the header of %d, the library of %d", arithmetic, GRU_ARITHMETIC,
          gru_arithmetic());
    return arithmetic == GRU_ARITHMETIC && count == CASES ? count : 0;
}

void test_golden(void)
{
    hashes golden[CASES];
    if (check_update_golden() && check_this() == check_backend(0)) {
        write_golden();
    }
    size_t count = read_golden(golden);
    for (size_t i = 0; i < count; i++) {
        if (!drive_has_tier(check_this(), cases[i].shape.tier)) {
            continue; /* SLEEF's, on a CPU without FMA */
        }
        hashes h = hash_case(&cases[i], check_this());
        CHECK(strcmp(h.name, golden[i].name) == 0, "case %zu is %s, in golden.txt %s", i, h.name, golden[i].name);
        CHECK(h.inputs == golden[i].inputs, "%s: the inputs hash to %016" PRIx64 ": the test has changed", h.name,
              h.inputs);
        CHECK(h.outputs == golden[i].outputs, "%s: the outputs hash to %016" PRIx64 ", not to %016" PRIx64, h.name,
              h.outputs, golden[i].outputs);
    }
}
