/* SPDX-License-Identifier: BSD-2-Clause */
/* test_gate.c: a packed gate of its own, act(clip((bx + W x) + (bh + U h))). */
#include "check.h"
#include "definition.h"
#include "field.h"

#include <math.h>
#include <string.h>

/* A gate's numbers, dense; NULL where there are none. */
typedef struct sizes {
    size_t units, inputs, states, rows;
} sizes;

typedef struct operands {
    float *w, *u, *bx, *bh, *x, *h;
} operands;

static float *draw(size_t n)
{
    if (n == 0) {
        return NULL;
    }
    float *array = guarded_floats(n, GUARD_AFTER, 0);
    check_fill(array, n, -1.0f, 1.0f);
    for (size_t i = 0; i < n; i += 1 + check_below(16)) {
        array[i] =
            check_float_of(LEAST_BITS - 0x800000 + (uint32_t)check_below(0x1000000)); /* half of them read as +0 */
    }
    return array;
}

static operands draw_operands(const sizes *s)
{
    bool bx = s->inputs > 0 && check_below(2), bh = s->states > 0 && check_below(2);
    return (operands){draw(s->units * s->inputs), draw(s->units * s->states), draw(bx ? s->units : 0),
                      draw(bh ? s->units : 0),    draw(s->rows * s->inputs),  draw(s->rows * s->states)};
}

/* Times 2^exponent: first weights, then their rows, so that products are of some size about 2^-90 (src/faint.h). */
static void shrink(float *array, size_t n, int exponent)
{
    for (size_t i = 0; i < n; i++) {
        array[i] = ldexpf(array[i], exponent);
    }
}

static void shrink_side(float *weights, float *rows, size_t units, size_t width, size_t count)
{
    const int weight = -30 - (int)check_below(30);
    if (weights == NULL) {
        return;
    }
    shrink(weights, units * width, weight);
    for (size_t row = 0; row < count; row++) {
        shrink(rows + row * width, width, check_below(4) ? -100 + (int)check_below(20) - weight : 0);
    }
}

static float *shrunken_bias(float *bias, size_t n)
{
    shrink(bias, bias != NULL ? n : 0, -61);
    return check_below(2) ? bias : NULL;
}

static void shrink_operands(operands *n, const sizes *s)
{
    shrink_side(n->w, n->x, s->units, s->inputs, s->rows);
    shrink_side(n->u, n->h, s->units, s->states, s->rows);
    n->bx = shrunken_bias(n->bx, s->units);
    n->bh = shrunken_bias(n->bh, s->units);
}

static float chain(const float *bias, const float *weights, const float *x, size_t length)
{
    float sum = bias ? definition_read(*bias) : 0.0f;
    for (size_t k = 0; k < length; k++) {
        sum = fmaf(definition_read(weights[k]), definition_read(x[k]), sum);
    }
    return sum;
}

/* By the definition, with activations from the scalar back end's arrays. */
static float *expected(const sizes *s, const operands *n, const gru_gate_desc *desc)
{
    float *out = guarded_floats(s->rows * s->units, GUARD_AFTER, 0);
    for (size_t i = 0; i < s->rows * s->units; i++) {
        size_t row = i / s->units, j = i % s->units;
        float ax =
            s->inputs ? chain(n->bx ? n->bx + j : NULL, n->w + j * s->inputs, n->x + row * s->inputs, s->inputs) : 0.0f;
        float ah =
            s->states ? chain(n->bh ? n->bh + j : NULL, n->u + j * s->states, n->h + row * s->states, s->states) : 0.0f;
        float v = s->inputs == 0 ? ah : s->states == 0 ? ax : ax + ah;
        if (desc->clip > 0.0f) {
            v = v < -desc->clip ? -desc->clip : v > desc->clip ? desc->clip : v;
        }
        if (desc->activation == GRU_ACTIVATION_SIGMOID) {
            gru_sigmoid(check_scalar(), desc->tier, 1, &v, &v, NULL);
        } else if (desc->activation == GRU_ACTIVATION_TANH) {
            gru_tanh(check_scalar(), desc->tier, 1, &v, &v, NULL);
        } else if (desc->activation == GRU_ACTIVATION_HARD_SIGMOID) {
            bool own = desc->hard_alpha != 0.0f || desc->hard_beta != 0.0f;
            v = fmaf(own ? desc->hard_alpha : 0.2f, v, own ? desc->hard_beta : 0.5f);
            v = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
        }
        out[i] = desc->activation == GRU_ACTIVATION_IDENTITY ? v : definition_read(v);
    }
    return out;
}

/* Random strides, signs, gaps and alignments; the matrix element (j, k) of dense. */
static gru_matrix strided(const float *dense, size_t units, size_t columns)
{
    if (dense == NULL) {
        return (gru_matrix){NULL, 0, 0};
    }
    field f = field_make(units, columns, 1,
                         (field_form){check_below(2), check_below(2), true, 0, GUARD_AFTER, check_below(3)});
    for (size_t i = 0; i < units * columns; i++) {
        *field_row(&f, i / columns, i % columns) = dense[i];
    }
    guarded_freeze(f.buffer);
    return (gru_matrix){f.origin, f.outer_stride, f.inner_stride};
}

static field strided_rows(const float *dense, size_t rows, size_t width)
{
    field f = field_make(rows, 1, width, (field_form){false, check_below(2), true, 0, GUARD_AFTER, check_below(4)});
    for (size_t row = 0; dense != NULL && row < rows; row++) {
        memcpy(field_row(&f, row, 0), dense + row * width, width * sizeof(float));
    }
    return f;
}

static void check_gate(const sizes *s, enum gru_activation activation)
{
    operands n = draw_operands(s);
    const bool tiny = check_below(3) == 0, steep = tiny && check_below(2);
    if (tiny) {
        shrink_operands(&n, s);
    }
    gru_gate_desc desc = {.size = sizeof desc,
                          .units = s->units,
                          .inputs = s->inputs,
                          .states = s->states,
                          .activation = activation,
                          .backend = check_this()};
    static const float clips[] = {0.0f, 0.75f, INFINITY};
    desc.clip = clips[check_below(3)];
    desc.tier = (enum gru_tier)check_below(3);
    desc.hard_alpha = steep ? 0x1p50f : check_below(2) ? 0.25f : 0.0f; /* a slope that shows a tiny sum */
    desc.hard_beta = steep ? 0x1p-20f : check_below(2) ? 0.4375f : 0.0f;
    desc.w = strided(n.w, s->units, s->inputs);
    desc.u = strided(n.u, s->units, s->states);
    gru_matrix bx = strided(n.bx, s->units, 1), bh = strided(n.bh, s->units, 1);
    desc.bx = (gru_vector){bx.data, bx.unit};
    desc.bh = (gru_vector){bh.data, bh.unit};
    gru_gate *gate = NULL;
    gru_error error = {0};
    size_t bytes = 0;
    if (!CHECK_STATUS(gru_gate_create(&gate, &desc, NULL, &error), GRU_OK, &error, "create")) {
        return;
    }
    CHECK_STATUS(gru_gate_workspace_bytes(gate, s->rows, &bytes, &error), GRU_OK, &error, "workspace");
    void *workspace = guarded_bytes(bytes, GUARD_AFTER, check_below(64));
    memset(workspace, 0xff, bytes);
    field x = strided_rows(n.x, s->rows, s->inputs), h = strided_rows(n.h, s->rows, s->states);
    field out = strided_rows(NULL, s->rows, s->units);
    guarded_freeze(x.buffer);
    guarded_freeze(h.buffer);
    CHECK_STATUS(gru_gate_run(gate, s->rows, n.x ? x.origin : NULL, x.outer_stride, n.h ? h.origin : NULL,
                              h.outer_stride, out.origin, out.outer_stride, workspace, bytes, &error),
                 GRU_OK, &error, "run");
    float *want = expected(s, &n, &desc);
    for (size_t row = 0; row < s->rows; row++) {
        CHECK_BITS(field_row(&out, row, 0), want + row * s->units, s->units,
                   "%zu units of %zu and %zu, row %zu of %zu, "
                   "activation %d",
                   s->units, s->inputs, s->states, row, s->rows, (int)activation);
    }
    field_check_gaps(&out, "out");
    gru_gate_destroy(gate);
}

void test_gate_sizes(void)
{
    for (size_t units = 1; units <= 70; units++) {
        for (int activation = GRU_ACTIVATION_IDENTITY; activation <= GRU_ACTIVATION_HARD_SIGMOID; activation++) {
            size_t kind = (units + (size_t)activation) % 3;
            sizes s = {units, kind == 0 ? 0 : 1 + check_below(70), kind == 1 ? 0 : 1 + check_below(70),
                       1 + check_below(9)};
            check_gate(&s, (enum gru_activation)activation);
            guarded_free_all();
        }
    }
    sizes many = {17, 5, 9, 200}; /* rows go through in blocks */
    check_gate(&many, GRU_ACTIVATION_TANH);
}

/* Each refusal has its status and makes no gate. */
static void refuse(const gru_gate_desc *desc, enum gru_status want, const char *what)
{
    check_memory memory = {0};
    gru_allocator allocator = check_allocator(&memory);
    gru_gate *gate = NULL;
    gru_error error = {0};
    CHECK_STATUS(gru_gate_create(&gate, desc, &allocator, &error), want, &error, "%s", what);
    CHECK(gate == NULL && memory.live == 0 && memory.mistakes == 0, "%s: nothing is left behind", what);
}

static gru_gate_desc plain_desc(const float *numbers)
{
    return (gru_gate_desc){.size = sizeof(gru_gate_desc),
                           .units = 2,
                           .inputs = 3,
                           .states = 2,
                           .backend = check_this(),
                           .w = {numbers, 3, 1},
                           .u = {numbers, 2, 1},
                           .bx = {numbers, 1},
                           .bh = {numbers, 1}};
}

void test_gate_create_refusals(void)
{
    static const float numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    refuse(NULL, GRU_NULL_POINTER, "no description");
#define REFUSE(change, want)                      \
    do {                                          \
        gru_gate_desc desc = plain_desc(numbers); \
        desc.change;                              \
        refuse(&desc, want, #change);             \
    } while (0)
    REFUSE(size = 4, GRU_BAD_STRUCT);
    REFUSE(units = 0, GRU_ZERO_SIZE);
    REFUSE(units = SIZE_MAX / 2, GRU_OVERFLOW);
    REFUSE(inputs = SIZE_MAX / 2, GRU_OVERFLOW);
    REFUSE(activation = (enum gru_activation)4, GRU_BAD_ENUM);
    REFUSE(tier = (enum gru_tier)4, GRU_BAD_ENUM);
    REFUSE(weight_type = (enum gru_weight_type)1, GRU_BAD_ENUM);
    REFUSE(clip = -1.0f, GRU_BAD_VALUE);
    REFUSE(clip = NAN, GRU_BAD_VALUE);
    REFUSE(hard_alpha = INFINITY, GRU_BAD_VALUE);
    REFUSE(hard_beta = NAN, GRU_BAD_VALUE);
    REFUSE(w.data = NULL, GRU_NULL_POINTER);
    REFUSE(u.data = NULL, GRU_NULL_POINTER);
    REFUSE(inputs = 0, GRU_MISMATCH);
    REFUSE(states = 0, GRU_MISMATCH);
    REFUSE(w.data = NULL; desc.inputs = 0, GRU_BAD_BIAS);
    REFUSE(u.data = NULL; desc.states = 0, GRU_BAD_BIAS);
    REFUSE(units = desc.states = (size_t)1 << 31; desc.u.unit = desc.u.column = 0, GRU_OVERFLOW);
    REFUSE(units = desc.inputs = (size_t)1 << 31; desc.w.unit = desc.w.column = 0, GRU_OVERFLOW);
#undef REFUSE
    gru_gate_desc desc = plain_desc(numbers), absent = desc;
    gru_error error = {0};
    CHECK_STATUS(gru_gate_create(NULL, &desc, NULL, &error), GRU_NULL_POINTER, &error, "nowhere to put it");
    check_memory memory = {.fail_at = 1};
    gru_allocator allocator = check_allocator(&memory);
    gru_gate *gate = NULL;
    CHECK_STATUS(gru_gate_create(&gate, &desc, &allocator, &error), GRU_NO_MEMORY, &error, "no memory");
    memory.fail_at = 0;
    CHECK_STATUS(gru_gate_create(&gate, &desc, &allocator, &error), GRU_OK, &error, "memory");
    gru_gate_destroy(gate);
    gate = NULL;
    absent.bx = absent.bh = (gru_vector){NULL, PTRDIFF_MAX}; /* which no bias goes along */
    CHECK_STATUS(gru_gate_create(&gate, &absent, &allocator, &error), GRU_OK, &error, "the units of absent biases");
    gru_gate_destroy(gate);
    gru_gate_destroy(NULL);
    CHECK(memory.live == 0 && memory.mistakes == 0, "all memory is given back");
}

void test_gate_run_refusals(void)
{
    static const float numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    float out[8], before[8];
    check_fill(out, 8, -1.0f, 1.0f);
    memcpy(before, out, sizeof before);
    gru_gate_desc desc = plain_desc(numbers);
    gru_gate *gate = NULL;
    gru_error e = {0};
    size_t bytes = 0;
    if (!CHECK(gru_gate_create(&gate, &desc, NULL, NULL) == GRU_OK, "create")) {
        return;
    }
    CHECK_STATUS(gru_gate_workspace_bytes(NULL, 2, &bytes, &e), GRU_NULL_POINTER, &e, "no gate");
    CHECK_STATUS(gru_gate_workspace_bytes(gate, 2, NULL, &e), GRU_NULL_POINTER, &e, "no bytes");
    CHECK(gru_gate_workspace_bytes(gate, 2, &bytes, NULL) == GRU_OK, "workspace");
    void *ws = guarded_bytes(bytes, GUARD_AFTER, 0);
    const float *x = numbers, *h = numbers;
    CHECK_STATUS(gru_gate_run(NULL, 2, x, 3, h, 2, out, 2, ws, bytes, &e), GRU_NULL_POINTER, &e, "no gate");
    CHECK_STATUS(gru_gate_run(gate, 2, NULL, 3, h, 2, out, 2, ws, bytes, &e), GRU_NULL_POINTER, &e, "no x");
    CHECK_STATUS(gru_gate_run(gate, 2, x, 3, NULL, 2, out, 2, ws, bytes, &e), GRU_NULL_POINTER, &e, "no h");
    CHECK_STATUS(gru_gate_run(gate, 2, x, 3, h, 2, NULL, 2, ws, bytes, &e), GRU_NULL_POINTER, &e, "no out");
    CHECK_STATUS(gru_gate_run(gate, 2, x, 3, h, 2, out, 1, ws, bytes, &e), GRU_BAD_STRIDE, &e, "rows of out overlap");
    CHECK_STATUS(gru_gate_run(gate, 2, x, 3, h, 2, out + 6, -1, ws, bytes, &e), GRU_BAD_STRIDE, &e, "backwards too");
    CHECK_STATUS(gru_gate_run(gate, 2, x, 3, h, 2, out, 2, NULL, bytes, &e), GRU_NULL_POINTER, &e, "no workspace");
    CHECK_STATUS(gru_gate_run(gate, 2, x, PTRDIFF_MAX, h, 2, out, 2, ws, bytes, &e), GRU_OVERFLOW, &e, "x goes too far");
    CHECK_STATUS(gru_gate_run(gate, 2, x, 3, h, PTRDIFF_MIN, out, 2, ws, bytes, &e), GRU_OVERFLOW, &e, "h does");
    CHECK_STATUS(gru_gate_run(gate, 2, x, 3, h, 2, out, PTRDIFF_MAX, ws, bytes, &e), GRU_OVERFLOW, &e, "out does");
    CHECK_STATUS(gru_gate_run(gate, SIZE_MAX, x, 0, h, 0, out, 2, ws, bytes, &e), GRU_OVERFLOW, &e, "negative rows");
    CHECK_STATUS(gru_gate_run(gate, 2, x, 3, h, 2, out, 2, ws, bytes - 1, &e), GRU_SMALL_MEMORY, &e, "a byte too few");
    CHECK_BITS(out, before, 8, "nothing is written");
    CHECK(gru_gate_run(gate, 0, NULL, 3, NULL, 2, NULL, 2, NULL, 0, NULL) == GRU_OK, "no rows are fine");
    /* Of one row the strides lead nowhere, and may be of any size; UBSan sees those that are added up all the same. */
    CHECK(gru_gate_run(gate, 1, x, 3, h, 2, before, 2, ws, bytes, NULL) == GRU_OK, "one row");
    static const ptrdiff_t far[] = {PTRDIFF_MAX, PTRDIFF_MIN, PTRDIFF_MAX / 4, PTRDIFF_MIN / 4};
    for (size_t i = 0; i < 4; i++) {
        CHECK(gru_gate_run(gate, 1, x, far[i], h, far[i], out, far[i], ws, bytes, NULL) == GRU_OK, "stride %td", far[i]);
        CHECK_BITS(out, before, 8, "one row with strides of %td", far[i]);
    }
    gru_gate_destroy(gate);
}

/* A vector that the gate has no matrix for; where another one is missing, that is said first. */
void test_gate_run_mismatch(void)
{
    static const float numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int without = 0; without < 2; without++) {
        float out[4] = {-1, -1, -1, -1}, before[4] = {-1, -1, -1, -1};
        gru_gate_desc desc = plain_desc(numbers);
        gru_gate *gate = NULL;
        gru_error e = {0};
        size_t bytes = 0;
        if (without == 0) {
            desc.inputs = 0;
            desc.w.data = desc.bx.data = NULL;
        } else {
            desc.states = 0;
            desc.u.data = desc.bh.data = NULL;
        }
        if (!CHECK(gru_gate_create(&gate, &desc, NULL, NULL) == GRU_OK, "create") ||
            !CHECK(gru_gate_workspace_bytes(gate, 2, &bytes, NULL) == GRU_OK, "workspace")) {
            return;
        }
        void *ws = guarded_bytes(bytes, GUARD_AFTER, 0);
        const float *x = without == 0 ? numbers : NULL, *h = without == 0 ? NULL : numbers;
        CHECK_STATUS(gru_gate_run(gate, 2, numbers, 3, numbers, 2, out, 2, ws, bytes, &e), GRU_MISMATCH, &e,
                     "x and h, without %s", without == 0 ? "w" : "u");
        CHECK_STATUS(gru_gate_run(gate, 2, x, 3, h, 2, out, 2, ws, bytes, &e), GRU_NULL_POINTER, &e,
                     "one for the other, without %s", without == 0 ? "w" : "u");
        CHECK_STATUS(gru_gate_run(gate, 2, NULL, 3, NULL, 2, out, 2, ws, bytes, &e), GRU_NULL_POINTER, &e,
                     "neither, without %s", without == 0 ? "w" : "u");
        CHECK_BITS(out, before, 4, "nothing is written");
        gru_gate_destroy(gate);
        guarded_free_all();
    }
}
