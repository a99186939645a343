/* SPDX-License-Identifier: BSD-2-Clause */
/* test_import_refusals.c: what the importers must refuse: variants a dialect hasn't, wrong pointers, wrong structs. */
#include "check.h"

#include <string.h>

static float array[4096]; /* large enough for every dialect at the sizes used here */

/* The one signature over all dialects. `bias` says whether a bias is given; a NULL w, u likewise. */
enum dialect { PYTORCH, KERAS, ONNX, OPENVINO, ONEDNN, JOINED, DIALECTS };

static const char *const names[] = {"PyTorch", "Keras", "ONNX", "OpenVINO", "oneDNN", "joined"};

typedef struct given {
    const float *w, *u, *bias;
    size_t direction;
    enum gru_joined form;
} given;

static enum gru_status import(enum dialect dialect, gru_weights *view, const gru_desc *desc, given from,
                              gru_error *error)
{
    bool no_r = desc != NULL && desc->reset == GRU_RESET_NONE;
    const float *matrices[3] = {no_r ? NULL : from.w, from.w, from.u};
    const float *biases[3] = {no_r ? NULL : from.bias, from.bias, from.bias};
    switch (dialect) {
    case PYTORCH:
        return gru_weights_pytorch(view, desc, from.w, from.u, from.bias, from.bias, error);
    case KERAS:
        return gru_weights_keras(view, desc, from.w, from.u, from.bias, error);
    case ONNX:
        return gru_weights_onnx(view, desc, from.w, from.u, from.bias, from.direction, error);
    case OPENVINO:
        return gru_weights_openvino(view, desc, from.w, from.u, from.bias, from.direction, error);
    case ONEDNN:
        return gru_weights_onednn(view, desc, from.w, from.u, from.bias, error);
    default:
        return gru_weights_joined(view, desc, matrices, biases, from.form, error);
    }
}

/* Calls and checks that a refusal writes nothing but the error, which names something. */
static void expect(enum dialect dialect, const gru_desc *desc, given from, enum gru_status want, const char *what)
{
    gru_weights view, before;
    memset(&view, 0xa5, sizeof view);
    view.size = sizeof view;
    before = view;
    gru_error error;
    memset(&error, 0, sizeof error);
    enum gru_status got = import(dialect, &view, desc, from, &error);
    CHECK_STATUS(got, want, &error, "%s, %s", names[dialect], what);
    CHECK((memcmp(&view, &before, sizeof view) != 0) == (want == GRU_OK), "%s, %s: what was written", names[dialect],
          what);
    CHECK(import(dialect, &view, desc, from, NULL) == want, "%s, %s: without an error", names[dialect], what);
}

/* gru.h's word on what each dialect can say, as the letters of the biases: n(one), o(ne), i(nside), f(our), s(ix). */
static const struct {
    const char *biases[3]; /* reset after, before, none */
    bool replace;
} rules[DIALECTS] = {
    [PYTORCH] = {{"ns", "", ""}, false},   [KERAS] = {{"ns", "no", ""}, false},
    [ONNX] = {{"ns", "ns", ""}, false},    [OPENVINO] = {{"nf", "no", ""}, false},
    [ONEDNN] = {{"nf", "no", ""}, false},  [JOINED] = {{"noi", "noi", "noi"}, true},
};

/* Every dialect with every variant: what it can't express is refused, and nothing else is. */
void test_import_variants(void)
{
    static const char letters[] = "noifs"; /* by enum gru_bias */
    for (unsigned i = 0; i < DIALECTS * 3 * 2 * 5; i++) {
        enum dialect dialect = (enum dialect)(i / 30);
        gru_desc desc = {.size = sizeof desc, .input = 3, .hidden = 5, .reset = (enum gru_reset)(i / 10 % 3),
                         .update = (enum gru_update)(i / 5 % 2), .bias = (enum gru_bias)(i % 5)};
        bool known = strchr(rules[dialect].biases[desc.reset], letters[desc.bias]) != NULL;
        known &= desc.update == GRU_UPDATE_KEEP || rules[dialect].replace;
        given from = {.w = array, .u = array, .bias = desc.bias == GRU_BIAS_NONE ? NULL : array};
        char what[64];
        snprintf(what, sizeof what, "reset %d, update %d, bias %d", (int)desc.reset, (int)desc.update, (int)desc.bias);
        expect(dialect, &desc, from, known ? GRU_OK : GRU_BAD_DIALECT, what);
    }
}

/* Pointers that are missing, or there without having been announced. */
void test_import_pointers(void)
{
    for (enum dialect d = 0; d < DIALECTS; d++) {
        gru_desc none = {.size = sizeof none, .input = 3, .hidden = 5};
        gru_desc some = none;
        some.bias = d == OPENVINO || d == ONEDNN ? GRU_BIAS_FOUR : d == JOINED ? GRU_BIAS_ONE : GRU_BIAS_SIX;
        expect(d, &none, (given){.w = array, .u = array}, GRU_OK, "all that is needed");
        expect(d, &none, (given){.u = array}, GRU_NULL_POINTER, "no W");
        expect(d, &none, (given){.w = array}, GRU_NULL_POINTER, "no U");
        expect(d, &none, (given){.w = array, .u = array, .bias = array}, GRU_BAD_BIAS, "a bias too many");
        expect(d, &some, (given){.w = array, .u = array}, GRU_BAD_BIAS, "a bias too few");
        expect(d, NULL, (given){.w = array, .u = array}, GRU_NULL_POINTER, "no description");

        gru_error error;
        CHECK_STATUS(import(d, NULL, &none, (given){.w = array, .u = array}, &error), GRU_NULL_POINTER, &error,
                     "%s without a view", names[d]);
        if (d != JOINED) { /* its matrices have no names */
            gru_weights view = {.size = sizeof view};
            gru_error no_w = {0}, no_u = {0};
            import(d, &view, &none, (given){.u = array}, &no_w);
            import(d, &view, &none, (given){.w = array}, &no_u);
            CHECK(strcmp(no_w.text, no_u.text) != 0, "%s: which is missing? %s", names[d], no_w.text);
        }
    }
}

void test_import_pointers_of_one(void)
{
    gru_error error;
    gru_weights view = {.size = sizeof view};
    gru_desc desc = {.size = sizeof desc, .input = 3, .hidden = 5, .bias = GRU_BIAS_SIX};
    CHECK_STATUS(gru_weights_pytorch(&view, &desc, array, array, array, NULL, &error), GRU_BAD_BIAS, &error,
                 "PyTorch with bias_ih alone");
    CHECK_STATUS(gru_weights_pytorch(&view, &desc, array, array, NULL, array, &error), GRU_BAD_BIAS, &error,
                 "PyTorch with bias_hh alone");

    desc.bias = GRU_BIAS_ONE;
    const float *three[3] = {array, array, array}, *two[3] = {array, NULL, array}, *no_r[3] = {NULL, array, array};
    CHECK_STATUS(gru_weights_joined(&view, &desc, NULL, three, GRU_JOINED_HX_ROW, &error), GRU_NULL_POINTER, &error,
                 "no matrices at all");
    CHECK_STATUS(gru_weights_joined(&view, &desc, two, three, GRU_JOINED_HX_ROW, &error), GRU_NULL_POINTER, &error,
                 "no matrix of z");
    CHECK_STATUS(gru_weights_joined(&view, &desc, three, NULL, GRU_JOINED_HX_ROW, &error), GRU_BAD_BIAS, &error,
                 "no biases at all");
    CHECK_STATUS(gru_weights_joined(&view, &desc, three, two, GRU_JOINED_HX_ROW, &error), GRU_BAD_BIAS, &error,
                 "no bias of z");
    desc.reset = GRU_RESET_NONE;
    CHECK_STATUS(gru_weights_joined(&view, &desc, three, no_r, GRU_JOINED_HX_ROW, &error), GRU_BAD_DIALECT, &error,
                 "a matrix of the reset gate that isn't");
    CHECK_STATUS(gru_weights_joined(&view, &desc, no_r, three, GRU_JOINED_HX_ROW, &error), GRU_BAD_BIAS, &error,
                 "a bias of the reset gate that isn't");
    CHECK_STATUS(gru_weights_joined(&view, &desc, no_r, no_r, GRU_JOINED_HX_ROW, &error), GRU_OK, &error,
                 "no reset gate");
}

/* Direction 1 exists for a bidirectional layer alone: elsewhere it would read past the arrays. */
void test_import_numbers(void)
{
    static const enum gru_direction directions[] = {GRU_FORWARD, GRU_REVERSE, GRU_BIDIRECTIONAL};
    for (size_t i = 0; i < 3 * 4; i++) {
        gru_desc desc = {.size = sizeof desc, .input = 3, .hidden = 5, .direction = directions[i / 4]};
        size_t direction = i % 4 == 3 ? SIZE_MAX : i % 4;
        bool known = direction == 0 || (direction == 1 && desc.direction == GRU_BIDIRECTIONAL);
        given from = {.w = array, .u = array, .direction = direction};
        expect(ONNX, &desc, from, known ? GRU_OK : GRU_BAD_VALUE, "direction");
        expect(OPENVINO, &desc, from, known ? GRU_OK : GRU_BAD_VALUE, "direction");
    }
    gru_desc desc = {.size = sizeof desc, .input = 3, .hidden = 5};
    expect(JOINED, &desc, (given){.w = array, .u = array, .form = GRU_JOINED_XH_ROW}, GRU_OK, "form 3");
    expect(JOINED, &desc, (given){.w = array, .u = array, .form = (enum gru_joined)4}, GRU_BAD_ENUM, "form 4");
    expect(JOINED, &desc, (given){.w = array, .u = array, .form = (enum gru_joined)-1}, GRU_BAD_ENUM, "form -1");
}

/* The description is checked whole, and a view of another version is filled as far as it goes. */
void test_import_structs(void)
{
    for (enum dialect d = 0; d < DIALECTS; d++) {
        given from = {.w = array, .u = array};
        gru_desc desc = {.size = sizeof desc, .input = 0, .hidden = 5};
        expect(d, &desc, from, GRU_ZERO_SIZE, "input 0");
        desc = (gru_desc){.size = sizeof desc, .input = 3, .hidden = SIZE_MAX / 2};
        expect(d, &desc, from, GRU_OVERFLOW, "a huge hidden size");
        desc = (gru_desc){.size = sizeof desc, .input = 3, .hidden = 5, .clip = -1.0f};
        expect(d, &desc, from, GRU_BAD_VALUE, "a negative clip");
        desc = (gru_desc){.size = 0, .input = 3, .hidden = 5};
        expect(d, &desc, from, GRU_BAD_STRUCT, "a description without its size");

        desc = (gru_desc){.size = sizeof desc, .input = 3, .hidden = 5};
        gru_error error;
        gru_weights view = {.size = 0};
        CHECK_STATUS(import(d, &view, &desc, from, &error), GRU_BAD_STRUCT, &error, "%s: a view without its size",
                     names[d]);
        struct {
            gru_weights view;
            size_t future[2];
        } newer = {{.size = sizeof newer}, {7, 7}};
        CHECK_STATUS(import(d, &newer.view, &desc, from, &error), GRU_OK, &error, "%s: a newer view", names[d]);
        CHECK(newer.view.size == sizeof newer && newer.future[0] == 0 && newer.future[1] == 0 &&
                  newer.view.w[GRU_N].data != NULL,
              "%s: its unknown fields are zero", names[d]);
    }
}
