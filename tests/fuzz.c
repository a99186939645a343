/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz.c: libgru's functions in an order and with arguments that a fuzzer chooses, on all back ends at once. */
#include "fuzz.h"

/*
 * A libFuzzer target (tests/fuzzing builds and runs it). Each input is a program: a byte chooses a call, the next ones its arguments.
 * Each call is made on every back end that this CPU has, and all must give the status, the outputs and the
 * last bits that scalar gives; a call that fails must have written nothing but its error.
 *
 * What a caller owes is kept: pointers are valid for what the arguments say, so whatever a sanitizer finds is libgru's. Sizes go
 * beyond all memory only where an answer must be an error before anything is touched.
 */
/* --- Objects --------------------------------------------------------------------------------------- */

const gru_backend *backends[MOST_BACKENDS];
size_t backend_count;

static void slot_clear(slot *s)
{
    for (size_t i = 0; i < backend_count; i++) {
        gru_layer_destroy(s->layers[i]);
        s->layers[i] = NULL;
    }
}

/* Sizes are small, or so large that nothing but an error may come of them. */
static size_t size_of(input *in, size_t limit)
{
    static const size_t absurd[] = {0, SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 60, (size_t)1 << 61, (size_t)1 << 62, PTRDIFF_MAX,
                                    SIZE_MAX / 12};
    unsigned b = byte(in);
    return b >= 248 ? absurd[b - 248] : 1 + b % limit;
}

static gru_desc make_desc(input *in)
{
    gru_desc desc = {.size = sizeof desc, .input = size_of(in, 20), .hidden = size_of(in, 40)};
    desc.reset = (enum gru_reset)choice(in, 3);
    desc.update = (enum gru_update)choice(in, 2);
    desc.bias = (enum gru_bias)choice(in, 5);
    desc.direction = (enum gru_direction)choice(in, 3);
    desc.merge = (enum gru_merge)choice(in, 2);
    desc.gates = (enum gru_gates)choice(in, 2);
    desc.tier = (enum gru_tier)choice(in, 4);
    unsigned odd = byte(in);
    if (odd & 1) {
        desc.clip = fabsf(number(in));
    }
    if (odd & 2) {
        desc.hard_alpha = number(in);
        desc.hard_beta = number(in);
    }
    if (odd >= 252) {
        desc.size = byte(in) * (odd & 1 ? 8 : 1);
    }
    if (desc.size > sizeof desc) {
        desc.size = sizeof desc;
    }
    return desc;
}

/* Dense arrays that hold whatever dialect: as many floats as the largest needs. */
typedef struct arrays {
    float *w, *u, *bx, *bh;
} arrays;

static arrays make_arrays(input *in, const gru_desc *desc)
{
    bool sane = desc->input <= 20 && desc->hidden <= 40;
    size_t columns = sane ? desc->input : 1, hidden = sane ? desc->hidden : 1;
    arrays a = {make_floats(in, 6 * hidden * (columns + hidden)), make_floats(in, 6 * hidden * hidden),
                make_floats(in, 12 * hidden), make_floats(in, 6 * hidden)};
    return a;
}

static void free_arrays(const arrays *a)
{
    free(a->w);
    free(a->u);
    free(a->bx);
    free(a->bh);
}

/* The weights in one of the dialects, or in none. The caller's views must hold as much as the sizes say. */
static enum gru_status fill(input *in, gru_weights *view, const gru_desc *desc, const arrays *a)
{
    bool bias = byte(in) % 16 ? desc->bias != GRU_BIAS_NONE : desc->bias == GRU_BIAS_NONE;
    const float *bx = bias ? a->bx : NULL, *bh = bias ? a->bh : NULL;
    bool no_reset = desc->reset == GRU_RESET_NONE;
    const float *matrices[3] = {no_reset ? NULL : a->w, a->w, a->w}, *biases[3] = {no_reset ? NULL : bx, bx, bx};
    size_t direction = byte(in) % 8 ? 0 : below(in, 3);
    *view = (gru_weights){.size = sizeof *view};
    switch (below(in, 8)) {
    case 0:
        return gru_weights_pytorch(view, desc, a->w, a->u, bx, bh, NULL);
    case 1:
        return gru_weights_keras(view, desc, a->w, a->u, bx, NULL);
    case 2:
        return gru_weights_onnx(view, desc, a->w, a->u, bx, direction, NULL);
    case 3:
        return gru_weights_openvino(view, desc, a->w, a->u, bx, direction, NULL);
    case 4:
        return gru_weights_onednn(view, desc, a->w, a->u, bx, NULL);
    case 5:
        return gru_weights_joined(view, desc, matrices, biases, (enum gru_joined)choice(in, 4), NULL);
    default:
        break;
    }
    unsigned missing = byte(in);
    for (size_t g = no_reset; g < 3; g++) {
        bool six = desc->bias == GRU_BIAS_SIX, n = g == GRU_N;
        view->w[g] = (gru_matrix){a->w, (ptrdiff_t)below(in, 3), (ptrdiff_t)below(in, 3)};
        view->u[g] = (gru_matrix){a->u, (ptrdiff_t)below(in, 3), (ptrdiff_t)below(in, 3)};
        view->bx[g].data = desc->bias != GRU_BIAS_NONE && !(n && desc->bias == GRU_BIAS_ONE_INSIDE) ? a->bx : NULL;
        view->bh[g].data = six || (n && (desc->bias == GRU_BIAS_FOUR || desc->bias == GRU_BIAS_ONE_INSIDE)) ? a->bh : NULL;
        if (missing == 255 - g) {
            view->w[g].data = NULL;
            view->bh[g].data = view->bh[g].data ? NULL : a->bh;
        }
        if (missing == 252 - g) {
            view->u[g].unit = PTRDIFF_MAX - 3;
        }
    }
    return GRU_OK;
}

static void create(input *in, slot *s)
{
    gru_desc desc = make_desc(in);
    arrays a = make_arrays(in, &desc);
    gru_weights views[2];
    enum gru_status filled = fill(in, &views[0], &desc, &a);
    fill(in, &views[1], &desc, &a);
    gru_layer *layers[MOST_BACKENDS] = {NULL};
    enum gru_status statuses[MOST_BACKENDS] = {GRU_OK};
    for (size_t i = 0; i < backend_count && filled == GRU_OK; i++) {
        desc.backend = backends[i];
        statuses[i] = gru_layer_create(&layers[i], &desc, views, NULL, NULL);
        REQUIRE(statuses[i] == statuses[0] && (statuses[i] == GRU_OK) == (layers[i] != NULL));
    }
    free_arrays(&a);
    if (filled == GRU_OK && statuses[0] == GRU_OK) {
        slot_clear(s);
        memcpy(s->layers, layers, sizeof layers);
        s->desc = (gru_desc){.size = sizeof s->desc};
        REQUIRE(gru_layer_describe(layers[0], &s->desc, NULL) == GRU_OK);
    }
}

static void repack(input *in, slot *s)
{
    if (s->layers[0] == NULL) {
        return;
    }
    arrays a = make_arrays(in, &s->desc);
    gru_weights views[2];
    bool filled = fill(in, &views[0], &s->desc, &a) == GRU_OK && fill(in, &views[1], &s->desc, &a) == GRU_OK;
    enum gru_status first = GRU_OK;
    for (size_t i = 0; i < backend_count && filled; i++) {
        enum gru_status status = gru_layer_repack(s->layers[i], views, NULL);
        first = i == 0 ? status : first;
        REQUIRE(status == first);
    }
    free_arrays(&a);
}

/* --- Building blocks ------------------------------------------------------------------------------- */

static void run_arrays(input *in)
{
    size_t count = byte(in) % 70, room = count;
    int tier = choice(in, 4), update = choice(in, 2), which = (int)below(in, 3);
    float *x = make_floats(in, room), *z = make_floats(in, room), *h = make_floats(in, room), *first = NULL;
    enum gru_status said = GRU_OK;
    for (size_t i = 0; i < backend_count; i++) {
        float *y = malloc(room * sizeof(float) + 1);
        REQUIRE(y != NULL);
        memset(y, 0xff, room * sizeof(float));
        enum gru_status status =
            which == 0   ? gru_sigmoid(backends[i], (enum gru_tier)tier, count, x, y, NULL)
            : which == 1 ? gru_tanh(backends[i], (enum gru_tier)tier, count, x, y, NULL)
                         : gru_update_blend(backends[i], (enum gru_update)update, count, z, h, x, y, NULL);
        said = i == 0 ? status : said;
        REQUIRE(status == said && (i == 0 || same_bits(y, first, room)));
        if (i == 0) {
            first = y;
        } else {
            free(y);
        }
    }
    free(first);
    free(x);
    free(z);
    free(h);
}

static void run_gate(input *in)
{
    gru_gate_desc desc = {.size = sizeof desc, .units = size_of(in, 40), .inputs = size_of(in, 20) - 1,
                          .states = size_of(in, 20) - 1};
    desc.activation = (enum gru_activation)choice(in, 4);
    desc.tier = (enum gru_tier)choice(in, 4);
    desc.clip = byte(in) & 1 ? fabsf(number(in)) : 0.0f;
    desc.hard_alpha = byte(in) & 1 ? number(in) : 0.0f;
    bool sane = desc.units <= 40 && desc.inputs <= 20 && desc.states <= 20;
    size_t units = sane ? desc.units : 1, inputs = sane ? desc.inputs : 1, states = sane ? desc.states : 1;
    size_t rows = byte(in) % (byte(in) & 1 ? 5 : 140), bytes = 0;
    float *w = make_floats(in, units * inputs), *u = make_floats(in, units * states), *bias = make_floats(in, units);
    float *x = make_floats(in, rows * inputs), *h = make_floats(in, rows * states), *first = NULL;
    desc.w = (gru_matrix){desc.inputs ? w : NULL, (ptrdiff_t)inputs, 1};
    desc.u = (gru_matrix){desc.states ? u : NULL, 1, (ptrdiff_t)units};
    desc.bx = (gru_vector){byte(in) & 1 ? bias : NULL, 1};
    desc.bh = (gru_vector){byte(in) & 1 ? bias : NULL, 1};
    enum gru_status made = GRU_OK, said = GRU_OK;
    for (size_t i = 0; i < backend_count; i++) {
        gru_gate *gate = NULL;
        desc.backend = backends[i];
        enum gru_status status = gru_gate_create(&gate, &desc, NULL, NULL);
        made = i == 0 ? status : made;
        REQUIRE(status == made && (status == GRU_OK) == (gate != NULL));
        if (gate == NULL) {
            continue;
        }
        REQUIRE(gru_gate_workspace_bytes(gate, rows, &bytes, NULL) == GRU_OK);
        void *workspace = malloc(bytes);
        float *out = malloc(rows * units * sizeof(float) + 1);
        REQUIRE(workspace != NULL && out != NULL);
        memset(out, 0xff, rows * units * sizeof(float));
        status = gru_gate_run(gate, rows, desc.inputs ? x : NULL, (ptrdiff_t)inputs, desc.states ? h : NULL, (ptrdiff_t)states,
                              out, (ptrdiff_t)units, workspace, bytes, NULL);
        said = i == 0 ? status : said;
        REQUIRE(status == said && (i == 0 || same_bits(out, first, rows * units)));
        free(workspace);
        gru_gate_destroy(gate);
        if (i == 0) {
            first = out;
        } else {
            free(out);
        }
    }
    free(first);
    free(w);
    free(u);
    free(bias);
    free(x);
    free(h);
}

/* How many calls of libgru's functions an execution of this program made: the record in tests/README.md is of these. */
static unsigned long long calls;

__attribute__((destructor)) static void report(void)
{
    fprintf(stderr, "%llu calls on each back end\n", calls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    slot slots[LAYERS] = {{.layers = {NULL}}};
    for (backend_count = 0; backend_count < MOST_BACKENDS && gru_backend_at(backend_count); backend_count++) {
        backends[backend_count] = gru_backend_at(backend_count);
    }
    while (in.left > 0) {
        unsigned call = byte(&in);
        slot *s = &slots[call / 8 % LAYERS];
        calls++;
        switch (call % 8) {
        case 0:
        case 1:
            create(&in, s);
            break;
        case 2:
            repack(&in, s);
            break;
        case 3:
            run_arrays(&in);
            break;
        case 4:
            run_gate(&in);
            break;
        default:
            fuzz_run(&in, slots);
            break;
        }
    }
    for (size_t i = 0; i < LAYERS; i++) {
        slot_clear(&slots[i]);
    }
    return 0;
}
