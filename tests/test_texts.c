/* SPDX-License-Identifier: BSD-2-Clause */
/* test_texts.c: what refusals say of structs, arrays, layers and weights. */
#include "says.h"

#include <math.h>
#include <string.h>

/* Of all arrays that are named here, most of which nobody gets to read. */
static float numbers[64];

/* --- Structs, memory, threads, back ends, arrays --------------------------------------------------- */

void test_texts_structs(void)
{
    struct {
        gru_desc desc;
        unsigned char more[8];
    } newer = {{.size = sizeof newer, .input = 3, .hidden = 5}, {0, 7}};
    size_t bytes;
    gru_desc desc = {.size = 3};
    const size_t known = sizeof desc;
    SAYS(gru_layer_bytes(NULL, &bytes, &said), GRU_NULL_POINTER, "the gru_desc is NULL");
    SAYS(gru_layer_bytes(&desc, &bytes, &said), GRU_BAD_STRUCT, "gru_desc.size is 3: set it to sizeof(gru_desc)");
    desc.size = 4104;
    SAYS(gru_layer_bytes(&desc, &bytes, &said), GRU_BAD_STRUCT,
         "gru_desc.size is 4104, which it can't be: set it to sizeof(gru_desc)");
    SAYS(gru_layer_bytes(&newer.desc, &bytes, &said), GRU_BAD_STRUCT,
         "gru_desc has %zu bytes, of which libgru %s knows %zu, and byte %zu is 7 instead of 0: it sets a field that "
         "this version doesn't know, or wasn't zeroed",
         sizeof newer, gru_version(), known, known + 1);
}

static void *crooked(void *context, size_t bytes, size_t alignment)
{
    (void)bytes;
    (void)alignment;
    return (char *)context + 4;
}

static void ignore(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)memory;
    (void)bytes;
}

void test_texts_memory(void)
{
    static _Alignas(64) char room[64];
    check_memory memory = {.fail_at = 1};
    const gru_allocator full = check_allocator(&memory), half = {.allocate = crooked};
    const gru_allocator odd = {crooked, ignore, room};
    const gru_backend *b = NULL;
    gru_team *team = NULL;
    gru_gate *gate = NULL;
    gru_gate_desc desc = {.size = sizeof desc, .units = 1, .inputs = 1, .w = {numbers, 1, 1}};
    SAYS(gru_team_create(NULL, 2, NULL, &said), GRU_NULL_POINTER, "team is NULL");
    SAYS(gru_team_create(&team, SIZE_MAX, NULL, &said), GRU_OVERFLOW, "a team of %zu threads doesn't fit in memory",
         SIZE_MAX);
    SAYS(gru_team_create(&team, 2, &half, &said), GRU_NULL_POINTER, "of the allocator's two functions one is NULL");
    SAYS(gru_gate_create(&gate, &desc, &odd, &said), GRU_BAD_ALIGNMENT,
         "the allocator's memory for a gate, at %p, isn't aligned to %d bytes", (void *)(room + 4), GRU_ALIGNMENT);
    const enum gru_status status = gru_gate_create(&gate, &desc, &full, &said);
    size_t bytes = 0;
    const bool read = sscanf(said.text, "no memory for a gate of %zu bytes", &bytes) == 1;
    CHECK(read && bytes > sizeof desc, "'%s' names a size", said.text);
    SAYS(status, GRU_NO_MEMORY, "no memory for a gate of %zu bytes", bytes);
    SAYS(gru_backend_find(NULL, "scalar", &said), GRU_NULL_POINTER, "gru_backend_find: backend is NULL");
    SAYS(gru_sigmoid(b, GRU_TIER_FAST, 8, numbers, numbers, &said), GRU_NULL_POINTER,
         "gru_sigmoid: backend is NULL; gru_backend_find finds one");
    SAYS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, numbers, numbers, numbers, numbers, &said), GRU_NULL_POINTER,
         "gru_update_blend: backend is NULL; gru_backend_find finds one");
}

void test_texts_arrays(void)
{
    const gru_backend *b = check_scalar();
    float *x = numbers, *far = numbers + 32;
    const size_t many = SIZE_MAX / 2;
    SAYS(gru_sigmoid(b, GRU_TIER_FAST, 8, NULL, x, &said), GRU_NULL_POINTER, "gru_sigmoid: x is NULL");
    SAYS(gru_tanh(b, GRU_TIER_FAST, 8, x, NULL, &said), GRU_NULL_POINTER, "gru_tanh: the output is NULL");
    SAYS(gru_tanh(b, (enum gru_tier)4, 8, x, x, &said), GRU_BAD_ENUM, "gru_tanh: tier is 4, and there is none above 3");
    SAYS(gru_sigmoid(b, GRU_TIER_FAST, many, x, x, &said), GRU_OVERFLOW,
         "gru_sigmoid: an array of %zu floats fits in no memory", many);
    SAYS(gru_tanh(b, GRU_TIER_FAST, 8, x + 5, x, &said), GRU_OVERLAP,
         "gru_tanh: the output begins -5 floats from x, whose 8 floats it would overwrite");
    SAYS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, NULL, far, far, x, &said), GRU_NULL_POINTER,
         "gru_update_blend: z is NULL");
    SAYS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, far, NULL, far, x, &said), GRU_NULL_POINTER,
         "gru_update_blend: h is NULL");
    SAYS(gru_update_blend(b, GRU_UPDATE_KEEP, 8, far, far, x, x + 3, &said), GRU_OVERLAP,
         "gru_update_blend: the output begins 3 floats from n, whose 8 floats it would overwrite");
    SAYS(gru_update_blend(b, (enum gru_update)2, 8, far, far, far, x, &said), GRU_BAD_ENUM,
         "gru_update_blend: update is 2, not GRU_UPDATE_KEEP or GRU_UPDATE_REPLACE");
}

/* --- Layers ---------------------------------------------------------------------------------------- */

static gru_desc plain_desc(void)
{
    return (gru_desc){
        .size = sizeof(gru_desc), .input = 3, .hidden = 5, .bias = GRU_BIAS_SIX, .backend = check_scalar()};
}

static gru_weights plain_weights(void)
{
    gru_weights w = {.size = sizeof w};
    for (int g = 0; g < 3; g++) {
        w.w[g] = (gru_matrix){numbers, 3, 1};
        w.u[g] = (gru_matrix){numbers, 5, 1};
        w.bx[g] = w.bh[g] = (gru_vector){numbers, 1};
    }
    return w;
}

static void check_descs(void)
{
    static const struct {
        const char *name;
        size_t at;
        int last;
    } enums[] = {{"reset", offsetof(gru_desc, reset), 2}, {"update", offsetof(gru_desc, update), 1},
                 {"bias", offsetof(gru_desc, bias), 4},   {"direction", offsetof(gru_desc, direction), 2},
                 {"merge", offsetof(gru_desc, merge), 1}, {"gates", offsetof(gru_desc, gates), 1},
                 {"tier", offsetof(gru_desc, tier), 3},   {"weight_type", offsetof(gru_desc, weight_type), 0}};
    size_t bytes;
    gru_desc desc;
    for (size_t i = 0; i < sizeof enums / sizeof *enums; i++) {
        const int wrong = 11 + (int)i;
        desc = plain_desc();
        memcpy((char *)&desc + enums[i].at, &wrong, sizeof wrong);
        SAYS(gru_layer_bytes(&desc, &bytes, &said), GRU_BAD_ENUM, "desc.%s is %d, but libgru %s knows 0 to %d",
             enums[i].name, wrong, gru_version(), enums[i].last);
    }
    desc = plain_desc();
    desc.input = 0;
    SAYS(gru_layer_bytes(&desc, &bytes, &said), GRU_ZERO_SIZE,
         "desc.input is 0 and desc.hidden is 5, but each must be at least 1");
    desc.input = SIZE_MAX / 2;
    SAYS(gru_layer_bytes(&desc, &bytes, &said), GRU_OVERFLOW,
         "the weights of desc.input %zu and desc.hidden 5 are more than memory's address range holds", desc.input);
    desc.hidden = 1;
    desc.input = (size_t)PTRDIFF_MAX / 12 - 1; /* with which the weights just fit, and what belongs to them doesn't */
    SAYS(gru_layer_bytes(&desc, &bytes, &said), GRU_OVERFLOW,
         "the packed weights of a layer of input %zu and hidden 1 fit in no memory", desc.input);
    desc = plain_desc();
    desc.clip = -0.5f;
    SAYS(gru_layer_bytes(&desc, &bytes, &said), GRU_BAD_VALUE,
         "desc.clip is -0.5, but it must be positive, or 0 for none");
    desc.clip = 0.0f;
    desc.hard_alpha = 0.25f;
    desc.hard_beta = -INFINITY;
    SAYS(gru_layer_bytes(&desc, &bytes, &said), GRU_BAD_VALUE,
         "desc.hard_alpha is 0.25 and desc.hard_beta is -inf, but both must be finite");
}

void test_texts_layers(void)
{
    gru_layer *layer = NULL;
    size_t bytes = 0;
    gru_desc desc = plain_desc();
    gru_weights weights = plain_weights();
    static _Alignas(64) unsigned char room[1 << 14];
    check_descs();
    SAYS(gru_layer_create(NULL, &desc, &weights, NULL, &said), GRU_NULL_POINTER, "gru_layer_create: layer is NULL");
    SAYS(gru_layer_bytes(&desc, NULL, &said), GRU_NULL_POINTER, "gru_layer_bytes: bytes is NULL");
    SAYS(gru_layer_place(NULL, &desc, &weights, room, sizeof room, &said), GRU_NULL_POINTER,
         "gru_layer_place: layer is NULL");
    SAYS(gru_layer_place(&layer, &desc, &weights, NULL, sizeof room, &said), GRU_NULL_POINTER,
         "gru_layer_place: memory is NULL");
    SAYS(gru_layer_place(&layer, &desc, &weights, room + 8, sizeof room, &said), GRU_BAD_ALIGNMENT,
         "the memory at %p isn't aligned to %d bytes", (void *)(room + 8), GRU_ALIGNMENT);
    CHECK(gru_layer_bytes(&desc, &bytes, NULL) == GRU_OK && bytes < sizeof room, "a layer needs %zu bytes", bytes);
    SAYS(gru_layer_place(&layer, &desc, &weights, room, bytes - 3, &said), GRU_SMALL_MEMORY,
         "the layer needs %zu bytes, and is given %zu", bytes, bytes - 3);
    SAYS(gru_layer_repack(NULL, &weights, &said), GRU_NULL_POINTER, "gru_layer_repack: layer is NULL");
    SAYS(gru_layer_describe(NULL, &desc, &said), GRU_NULL_POINTER, "gru_layer_describe: layer is NULL");
    CHECK(gru_layer_place(&layer, &desc, &weights, room, bytes, NULL) == GRU_OK, "exactly enough");
    SAYS(gru_layer_describe(layer, NULL, &said), GRU_NULL_POINTER, "gru_layer_describe: desc is NULL");
    SAYS(gru_layer_repack(layer, NULL, &said), GRU_NULL_POINTER, "the gru_weights is NULL");
}

#define WEIGHTS_SAY(change, want, ...)                                              \
    do {                                                                            \
        gru_layer *layer = NULL;                                                    \
        gru_desc desc = plain_desc();                                               \
        gru_weights w[2] = {plain_weights(), plain_weights()};                      \
        change;                                                                     \
        SAYS(gru_layer_create(&layer, &desc, w, NULL, &said), (want), __VA_ARGS__); \
    } while (0)

void test_texts_weights(void)
{
    const ptrdiff_t most = PTRDIFF_MAX;
    WEIGHTS_SAY(w->w[GRU_R].data = NULL, GRU_NULL_POINTER, "weights.w[GRU_R].data is NULL");
    WEIGHTS_SAY(w->u[GRU_N].data = NULL, GRU_NULL_POINTER, "weights.u[GRU_N].data is NULL");
    WEIGHTS_SAY(w->w[GRU_Z].unit = most, GRU_OVERFLOW,
                "weights.w[GRU_Z] with unit %td and column 1 reaches beyond memory's address range", most);
    WEIGHTS_SAY(w->u[GRU_Z].column = most, GRU_OVERFLOW,
                "weights.u[GRU_Z] with unit 5 and column %td reaches beyond memory's address range", most);
    WEIGHTS_SAY(w->bx[GRU_N].unit = most, GRU_OVERFLOW,
                "weights.bx[GRU_N] with unit %td reaches beyond memory's address range", most);
    WEIGHTS_SAY(w->bh[GRU_Z].data = NULL, GRU_BAD_BIAS,
                "weights.bh[GRU_Z].data is NULL, but desc.bias is GRU_BIAS_SIX");
    WEIGHTS_SAY(desc.bias = GRU_BIAS_FOUR, GRU_BAD_BIAS,
                "weights.bh[GRU_R].data is set, but desc.bias is GRU_BIAS_FOUR");
    WEIGHTS_SAY((desc.bias = GRU_BIAS_ONE_INSIDE, w->bh[0] = w->bh[1] = (gru_vector){0}), GRU_BAD_BIAS,
                "weights.bx[GRU_N].data is set, but desc.bias is GRU_BIAS_ONE_INSIDE");
    WEIGHTS_SAY((desc.bias = GRU_BIAS_ONE, w->bh[0] = w->bh[1] = (gru_vector){0}), GRU_BAD_BIAS,
                "weights.bh[GRU_N].data is set, but desc.bias is GRU_BIAS_ONE");
    WEIGHTS_SAY(desc.bias = GRU_BIAS_NONE, GRU_BAD_BIAS,
                "weights.bx[GRU_R].data is set, but desc.bias is GRU_BIAS_NONE");
    WEIGHTS_SAY(desc.reset = GRU_RESET_NONE, GRU_BAD_DIALECT,
                "weights.w[GRU_R].data is set, but desc.reset is GRU_RESET_NONE: there is no such gate");
    WEIGHTS_SAY((desc.reset = GRU_RESET_NONE, w->w[0].data = w->u[0].data = NULL), GRU_BAD_BIAS,
                "weights.bx[GRU_R].data is set, but desc.bias is GRU_BIAS_SIX, without a reset gate");
    WEIGHTS_SAY((desc.direction = GRU_BIDIRECTIONAL, w[0].w[GRU_Z].data = NULL), GRU_NULL_POINTER,
                "weights[0].w[GRU_Z].data is NULL");
    WEIGHTS_SAY((desc.direction = GRU_BIDIRECTIONAL, w[1].u[GRU_R].data = NULL), GRU_NULL_POINTER,
                "weights[1].u[GRU_R].data is NULL");
    WEIGHTS_SAY((desc.direction = GRU_BIDIRECTIONAL, w[1].size = 4), GRU_BAD_STRUCT,
                "weights[1].size is 4: set it to sizeof(weights[1])");
    WEIGHTS_SAY(w->size = 4, GRU_BAD_STRUCT, "gru_weights.size is 4: set it to sizeof(gru_weights)");
}

/* --- Imports --------------------------------------------------------------------------------------- */

static void check_joined(gru_weights *v, gru_desc *some)
{
    const float *n = numbers, *all[3] = {n, n, n}, *no_z[3] = {n, NULL, n}, *no_r[3] = {NULL, n, n};
    const gru_desc none = {.size = sizeof none, .input = 3, .hidden = 5, .reset = GRU_RESET_NONE};
    const enum gru_joined form = GRU_JOINED_HX_ROW;
    some->bias = GRU_BIAS_ONE_INSIDE;
    SAYS(gru_weights_joined(v, some, NULL, all, form, &said), GRU_NULL_POINTER, "matrices is NULL");
    SAYS(gru_weights_joined(v, some, no_z, all, form, &said), GRU_NULL_POINTER, "matrices[GRU_Z] is NULL");
    SAYS(gru_weights_joined(v, some, all, no_z, form, &said), GRU_BAD_BIAS,
         "biases[GRU_Z] is NULL, but desc.bias is GRU_BIAS_ONE_INSIDE");
    SAYS(gru_weights_joined(v, some, NULL, NULL, (enum gru_joined)9, &said), GRU_BAD_ENUM,
         "form is 9, but libgru %s knows 0 to 3", gru_version());
    SAYS(gru_weights_joined(v, &none, all, NULL, form, &said), GRU_BAD_DIALECT,
         "matrices[GRU_R] is set, but desc.reset is GRU_RESET_NONE");
    SAYS(gru_weights_joined(v, &none, no_r, all, form, &said), GRU_BAD_BIAS,
         "biases[GRU_R] is set, but desc.bias is GRU_BIAS_NONE and desc.reset is GRU_RESET_NONE");
    some->bias = GRU_BIAS_SIX;
    SAYS(gru_weights_joined(v, some, all, all, form, &said), GRU_BAD_DIALECT,
         "desc.bias is GRU_BIAS_SIX, but with GRU_RESET_AFTER the joined dialect has GRU_BIAS_NONE, GRU_BIAS_ONE or "
         "GRU_BIAS_ONE_INSIDE");
}

/* What each dialect calls its arrays. Where several are missing, the first is named. */
static void check_names(gru_weights *v, const gru_desc *none, const gru_desc *some)
{
    const char *const sizes = "for desc.input 3 and desc.hidden 5";
    const enum gru_status null = GRU_NULL_POINTER, bad = GRU_BAD_BIAS;
    const float *n = numbers;
    SAYS(gru_weights_pytorch(v, some, NULL, NULL, NULL, NULL, &said), null, "weight_ih is NULL, %s", sizes);
    SAYS(gru_weights_pytorch(v, none, n, NULL, NULL, NULL, &said), null, "weight_hh is NULL, %s", sizes);
    SAYS(gru_weights_pytorch(v, some, n, n, NULL, NULL, &said), bad, "bias_ih is NULL, but desc.bias is GRU_BIAS_SIX");
    SAYS(gru_weights_pytorch(v, none, n, n, NULL, n, &said), bad, "bias_hh is set, but desc.bias is GRU_BIAS_NONE");
    SAYS(gru_weights_keras(v, none, NULL, n, NULL, &said), null, "kernel is NULL, %s", sizes);
    SAYS(gru_weights_keras(v, none, n, NULL, NULL, &said), null, "recurrent_kernel is NULL, %s", sizes);
    SAYS(gru_weights_keras(v, some, n, n, NULL, &said), bad, "bias is NULL, but desc.bias is GRU_BIAS_SIX");
    SAYS(gru_weights_onnx(v, none, NULL, n, NULL, 0, &said), null, "W is NULL, %s", sizes);
    SAYS(gru_weights_openvino(v, none, n, NULL, NULL, 0, &said), null, "R is NULL, %s", sizes);
    SAYS(gru_weights_onnx(v, none, n, n, n, 0, &said), bad, "B is set, but desc.bias is GRU_BIAS_NONE");
    SAYS(gru_weights_onednn(v, none, NULL, n, NULL, &said), null, "weights_layer is NULL, %s", sizes);
    SAYS(gru_weights_onednn(v, none, n, NULL, NULL, &said), null, "weights_iter is NULL, %s", sizes);
    SAYS(gru_weights_onednn(v, none, n, n, n, &said), bad, "bias is set, but desc.bias is GRU_BIAS_NONE");
}

void test_texts_imports(void)
{
    const char *const more = "number 1 is the reverse half of GRU_BIDIRECTIONAL";
    const float *n = numbers;
    gru_weights view = {.size = sizeof view}, *v = &view;
    gru_desc none = {.size = sizeof none, .input = 3, .hidden = 5}, some = none, other = none;
    some.bias = GRU_BIAS_SIX;
    check_names(v, &none, &some);
    SAYS(gru_weights_onnx(v, &none, NULL, NULL, n, 1, &said), GRU_BAD_VALUE,
         "direction is 1, but the arrays of this layer have direction 0 alone: %s", more);
    other.direction = GRU_BIDIRECTIONAL;
    SAYS(gru_weights_openvino(v, &other, n, n, NULL, 2, &said), GRU_BAD_VALUE,
         "direction is 2, but the arrays of this layer have directions 0 and 1: %s", more);
    other.reset = GRU_RESET_BEFORE;
    SAYS(gru_weights_pytorch(v, &other, n, n, NULL, NULL, &said), GRU_BAD_DIALECT,
         "desc.reset is GRU_RESET_BEFORE, but PyTorch has no such GRU");
    other.bias = GRU_BIAS_FOUR;
    SAYS(gru_weights_onnx(v, &other, n, n, n, 0, &said), GRU_BAD_DIALECT,
         "desc.bias is GRU_BIAS_FOUR, but with GRU_RESET_BEFORE ONNX has GRU_BIAS_NONE or GRU_BIAS_SIX");
    SAYS(gru_weights_openvino(v, &other, n, n, n, 0, &said), GRU_BAD_DIALECT,
         "desc.bias is GRU_BIAS_FOUR, but with GRU_RESET_BEFORE OpenVINO has GRU_BIAS_NONE or GRU_BIAS_ONE");
    SAYS(gru_weights_keras(v, &other, n, n, n, &said), GRU_BAD_DIALECT,
         "desc.bias is GRU_BIAS_FOUR, but with GRU_RESET_BEFORE Keras has GRU_BIAS_NONE or GRU_BIAS_ONE");
    SAYS(gru_weights_onednn(v, &some, n, n, n, &said), GRU_BAD_DIALECT,
         "desc.bias is GRU_BIAS_SIX, but with GRU_RESET_AFTER oneDNN has GRU_BIAS_NONE or GRU_BIAS_FOUR");
    other.update = GRU_UPDATE_REPLACE;
    SAYS(gru_weights_keras(v, &other, n, n, n, &said), GRU_BAD_DIALECT,
         "desc.update is GRU_UPDATE_REPLACE, but Keras has GRU_UPDATE_KEEP alone");
    other.reset = GRU_RESET_NONE;
    SAYS(gru_weights_keras(v, &other, n, n, n, &said), GRU_BAD_DIALECT,
         "desc.reset is GRU_RESET_NONE, but Keras has no such GRU");
    check_joined(v, &some);
}
