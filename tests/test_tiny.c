/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tiny.c: numbers of every scale from 2^-149 to 1, none of which may make a subnormal on the way. */
#include "drive.h"
#include "fpu.h"
#include "rig.h"

#include <math.h>

/* Which arrays are of the scale; the others are ordinary. */
enum kind { INPUTS, STATES, WEIGHTS, BIASES, INPUT_HALF, STATE_HALF, ALL_BUT_WEIGHTS, ALL, KINDS };
static const char *const kind_names[KINDS] = {
    "x", "h0", "weights", "biases", "x and its weights", "h0 and its weights", "all but the weights", "all"};

/* A random sign and mantissa, the exponent alone is given. */
static void scale(const rig_floats *a, int exponent)
{
    for (size_t i = 0; a->data != NULL && i < a->count; i++) {
        float mantissa = 1.0f + 0.5f * fabsf(a->data[i]);
        a->data[i] = ldexpf(a->data[i] < 0 ? -mantissa : mantissa, exponent);
    }
}

static void scale_kind(rig *r, enum kind kind, int exponent)
{
    if (kind == INPUTS || kind == INPUT_HALF || kind >= ALL_BUT_WEIGHTS) {
        scale(&r->x, exponent);
    }
    if (kind == STATES || kind == STATE_HALF || kind >= ALL_BUT_WEIGHTS) {
        scale(&r->h0, exponent);
        scale(&r->reset, exponent);
    }
    for (size_t i = 0; i < 6; i++) {
        if (kind == WEIGHTS || kind == INPUT_HALF || kind == ALL) {
            scale(&r->w[i / 3][i % 3], exponent);
        }
        if (kind == WEIGHTS || kind == STATE_HALF || kind == ALL) {
            scale(&r->u[i / 3][i % 3], exponent);
        }
        if (kind == BIASES || kind >= ALL_BUT_WEIGHTS) {
            scale(&r->bx[i / 3][i % 3], exponent);
            scale(&r->bh[i / 3][i % 3], exponent);
        }
    }
}

static bool check_clean(bool clean, const char *what, const rig_shape *shape, int exponent)
{
    return CHECK(clean, "%s of scale 2^%d: a subnormal operand: %s", what, exponent, rig_text(shape));
}

/* Whether a run meets no subnormal operand. */
static bool is_clean(enum kind kind, int exponent, const rig_shape *shape)
{
    rig r = rig_make(shape, NULL);
    if (r.layer == NULL) {
        return false;
    }
    scale_kind(&r, kind, exponent);
    rig_run(&r, NULL);
    fpu_change(0, FPU_FLAGS);
    gru_layer_repack(r.layer, r.views, NULL);
    rig_call(&r);
    const bool clean = (fpu_flags() & FPU_DENORMAL) == 0;
    rig_free(&r);
    guarded_free_all();
    return clean;
}

/* Where the reset comes after and no bias starts the candidate's chain over x, r * ah may lie exactly between two
 * numbers, once in 2^20 units or so; then the chains of a faint x are made after all (src/faint.h), of which one may cancel. */
static bool may_tie(const gru_desc *desc)
{
    return desc->reset == GRU_RESET_AFTER && (desc->bias == GRU_BIAS_NONE || desc->bias == GRU_BIAS_ONE_INSIDE);
}

/* Returns false after a report. */
static bool check_scale(enum kind kind, int exponent, enum gru_tier tier, bool hard)
{
    rig_shape shape = rig_random(check_this(), 12, 24, 2, 3);
    shape.desc.tier = gru_sigmoid(check_scalar(), tier, 0, NULL, NULL, NULL) == GRU_OK ? tier : GRU_TIER_FAST;
    shape.desc.gates = hard ? GRU_GATES_HARD_SIGMOID : GRU_GATES_SIGMOID;
    shape.steps += shape.steps == 0;
    shape.rows += shape.rows == 0;
    bool clean = is_clean(kind, exponent, &shape);
    if (!clean && may_tie(&shape.desc)) { /* two such chances in a row are none */
        shape.seed++;
        clean = is_clean(kind, exponent, &shape);
    }
    return check_clean(clean, kind_names[kind], &shape, exponent);
}

void test_tiny_scales(void)
{
    for (int exponent = -149; exponent <= 0; exponent++) {
        for (size_t i = 0; i < KINDS * 4; i++) {
            if (check_turn((size_t)(exponent + 149) * KINDS * 4 + i, 10) &&
                !check_scale((enum kind)(i % KINDS), exponent, (enum gru_tier)(i / KINDS), i % 5 == 0)) {
                break;
            }
        }
    }
}

/* Where sums of products would be subnormal, if a layer took none of its rows for zeros: weights below 2^-40 throughout. */
void test_tiny_band(void)
{
    static const enum kind kinds[5] = {WEIGHTS, ALL, INPUT_HALF, ALL, STATE_HALF};
    for (int exponent = -62; exponent < -40; exponent++) {
        for (size_t i = 0; i < 60; i++) {
            if (!check_scale(kinds[i % 5], exponent, (enum gru_tier)(i % 4), i % 7 == 0)) {
                break;
            }
        }
    }
}

/* The array functions keep small values, so their results may be subnormal where an argument is; not otherwise. */
void test_tiny_arrays(void)
{
    float x[40], y[40];
    for (int exponent = -126; exponent <= 0; exponent++) {
        for (size_t i = 0; i < 40; i++) {
            x[i] = ldexpf((i % 2 ? -1.0f : 1.0f) * check_uniform(1.0f, 1.9375f), exponent);
        }
        for (int tier = GRU_TIER_FAST; tier <= GRU_TIER_SLEEF; tier++) {
            fpu_change(0, FPU_FLAGS);
            if (gru_sigmoid(check_this(), (enum gru_tier)tier, 40, x, y, NULL) == GRU_OK) {
                gru_tanh(check_this(), (enum gru_tier)tier, 40, x, y, NULL);
            }
            CHECK((fpu_flags() & FPU_DENORMAL) == 0, "tier %d, arguments of 2^%d: a subnormal operand", tier, exponent);
        }
    }
}

/* A gate of its own; but an identity shows the sum itself, which has to be subnormal where it is. */
void test_tiny_gates(void)
{
    enum { UNITS = 21, WIDTH = 13 };
    static float w[UNITS * WIDTH], x[WIDTH], out[UNITS];
    _Alignas(GRU_ALIGNMENT) char workspace[8192];
    for (int exponent = -149; exponent <= 0; exponent++) {
        for (int activation = GRU_ACTIVATION_SIGMOID; activation <= GRU_ACTIVATION_HARD_SIGMOID; activation++) {
            check_fill(w, UNITS * WIDTH, -1.0f, 1.0f);
            check_fill(x, WIDTH, -1.0f, 1.0f);
            scale(&(rig_floats){w, w, UNITS * WIDTH}, exponent);
            scale(&(rig_floats){x, x, WIDTH}, exponent);
            gru_gate_desc desc = {.size = sizeof desc, .units = UNITS, .inputs = WIDTH, .states = WIDTH};
            desc.activation = (enum gru_activation)activation;
            desc.backend = check_this();
            desc.w = desc.u = (gru_matrix){w, WIDTH, 1};
            gru_gate *gate = NULL;
            size_t bytes = 0;
            fpu_change(0, FPU_FLAGS);
            CHECK(gru_gate_create(&gate, &desc, NULL, NULL) == GRU_OK &&
                      gru_gate_workspace_bytes(gate, 1, &bytes, NULL) == GRU_OK && bytes <= sizeof workspace &&
                      gru_gate_run(gate, 1, x, 0, x, 0, out, 0, workspace, bytes, NULL) == GRU_OK,
                  "a gate");
            CHECK((fpu_flags() & FPU_DENORMAL) == 0, "activation %d, all of scale 2^%d: a subnormal operand", activation, exponent);
            gru_gate_destroy(gate);
        }
    }
}

/* Sound that fades to silence: steps without input, through every scale on the way, end in exact zeros. The slowest takes
 * 10^5 of them. */
void test_tiny_decay(void)
{
    enum { STEPS = 1000 };
    static const float holds[] = {0.0f, 4.0f, 6.0f}; /* z = 0.5, 0.98, 0.9975 */
    static const size_t calls[] = {2, 10, 100};
    for (size_t i = 0; i < 3; i++) {
        rig_shape shape = {.steps = STEPS, .rows = 1, .in_place = true, .seed = 5};
        shape.desc = (gru_desc){.size = sizeof shape.desc, .input = 3, .hidden = 9, .bias = GRU_BIAS_ONE, .backend = check_this()};
        rig r = rig_make(&shape, NULL);
        if (r.layer == NULL) {
            return;
        }
        for (size_t k = 0; k < r.x.count; k++) {
            r.x.data[k] = 0.0f;
        }
        for (size_t k = 0; k < 9; k++) {
            r.bx[0][GRU_Z].data[k] = holds[i];
            r.bx[0][GRU_N].data[k] = 0.0f;
        }
        scale(&r.u[0][GRU_N], -3); /* so that the candidate doesn't feed itself */
        CHECK(gru_layer_repack(r.layer, r.views, NULL) == GRU_OK && rig_run(&r, NULL) == GRU_OK, "the first call");
        fpu_change(0, FPU_FLAGS);
        for (size_t call = 1; call < calls[i]; call++) {
            rig_call(&r);
        }
        check_clean((fpu_flags() & FPU_DENORMAL) == 0, "a state that decays", &shape, 0);
        size_t left = 0;
        for (size_t k = 0; k < r.h.count; k++) {
            left += check_bits_of(r.h.data[k]) != 0;
        }
        CHECK(left == 0, "after %zu steps %zu of 9 states aren't +0", calls[i] * STEPS, left);
        rig_free(&r);
    }
}

/* A lone step reads its caller's x and state where they are, unless one of their numbers is tiny. Its weights are so
 * large that it shows if it isn't seen to be. */
void test_tiny_lone(void)
{
    enum { INPUT = 32, HIDDEN = 16 };
    for (size_t k = 0; k < INPUT + HIDDEN; k++) {
        problem_shape s = {.input = INPUT, .hidden = HIDDEN, .steps = 1, .rows = 1, .initial = true};
        s.reset = k % 2 ? RESET_STATE : RESET_PRODUCT;
        problem p = problem_make(&s);
        const size_t width = k < INPUT ? INPUT : HIDDEN, at = k < INPUT ? k : k - INPUT;
        for (size_t i = 0; i < 3 * HIDDEN; i++) {
            float *const *weights = k < INPUT ? p.w[0] : p.u[0];
            weights[i / HIDDEN][i % HIDDEN * width + at] = 0x1p60f;
        }
        float *spot = (k < INPUT ? p.x : p.h0) + at;
        *spot = 0.0f;
        answer want = drive_reference(&p);
        *spot = 0x1p-63f;
        way w = {.backend = check_this()};
        way_want_gates(&w, false);
        drive_compare(&p, &want, &w);
        guarded_free_all();
    }
}
