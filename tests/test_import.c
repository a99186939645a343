/* SPDX-License-Identifier: BSD-2-Clause */
/* test_import.c: each dialect's view, element by element, against where its documentation says that the weight is. */
#include "check.h"

#include <string.h>

/*
 * The arrays given to the importers hold their own indices, so the value that a view finds says which element it took.
 * The expected index is written out here for each dialect as its library documents the array. Sizes differ from each
 * other and from 3, so that no two strides agree by chance; 1 makes every stride coincide.
 */
static const size_t sizes[][2] = {{5, 2}, {2, 7}, {1, 1}, {4, 1}, {1, 4}};

enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* An array of exactly n indices between unreadable pages. */
static float *indices(size_t n)
{
    float *array = guarded_floats(n, GUARD_AFTER, 0);
    for (size_t i = 0; i < n; i++)
        array[i] = (float)i;
    return array;
}

static void check_matrix(const gru_matrix *view, size_t j, size_t k, const float *base, size_t index, const char *what)
{
    ptrdiff_t offset = (ptrdiff_t)j * view->unit + (ptrdiff_t)k * view->column;
    if (CHECK(view->data != NULL, "%s isn't there", what))
        CHECK(view->data[offset] == (float)index && view->data + offset == base + index,
              "%s (%zu, %zu) is element %g, but should be %zu", what, j, k, (double)view->data[offset], index);
}

static void check_vector(const gru_vector *view, size_t j, const float *base, size_t index, const char *what)
{
    ptrdiff_t offset = (ptrdiff_t)j * view->unit;
    if (CHECK(view->data != NULL, "%s isn't there", what))
        CHECK(view->data[offset] == (float)index && view->data + offset == base + index,
              "%s (%zu) is element %g, but should be %zu", what, j, (double)view->data[offset], index);
}

static void check_absent(const gru_vector *view, const char *what)
{
    CHECK(view->data == NULL, "%s is there, but was not announced", what);
}

static void check_ok(enum gru_status status, const gru_error *error, const char *what)
{
    CHECK(status == GRU_OK, "%s: %s", what, error->text);
}

void test_import_pytorch(void)
{
    enum { R = 0, Z = 1, N = 2 };
    static const size_t place[3] = {[GRU_R] = R, [GRU_Z] = Z, [GRU_N] = N};
    for (size_t s = 0; s < SIZES; s++) {
        size_t I = sizes[s][0], H = sizes[s][1];
        float *w = indices(3 * H * I), *u = indices(3 * H * H), *bi = indices(3 * H), *bh = indices(3 * H);
        gru_error error = {0};
        gru_weights view = {.size = sizeof view};
        gru_desc desc = {.size = sizeof desc, .input = I, .hidden = H, .bias = GRU_BIAS_SIX};
        check_ok(gru_weights_pytorch(&view, &desc, w, u, bi, bh, &error), &error, "PyTorch");
        for (size_t g = 0; g < 3; g++) {
            for (size_t j = 0; j < H; j++) {
                for (size_t k = 0; k < I; k++)
                    check_matrix(&view.w[g], j, k, w, (place[g] * H + j) * I + k, "weight_ih");
                for (size_t k = 0; k < H; k++)
                    check_matrix(&view.u[g], j, k, u, (place[g] * H + j) * H + k, "weight_hh");
                check_vector(&view.bx[g], j, bi, place[g] * H + j, "bias_ih");
                check_vector(&view.bh[g], j, bh, place[g] * H + j, "bias_hh");
            }
        }
        desc.bias = GRU_BIAS_NONE;
        check_ok(gru_weights_pytorch(&view, &desc, w, u, NULL, NULL, &error), &error, "PyTorch without biases");
        for (size_t g = 0; g < 3; g++) {
            check_absent(&view.bx[g], "bx");
            check_absent(&view.bh[g], "bh");
        }
    }
}

/* Keras's and oneDNN's matrices are the same: [inputs, 3, H], gates z (u), r, n (h, o). */
static void check_columns(const gru_weights *view, const float *w, const float *u, size_t I, size_t H)
{
    static const size_t place[3] = {[GRU_Z] = 0, [GRU_R] = 1, [GRU_N] = 2};
    for (size_t g = 0; g < 3; g++) {
        for (size_t j = 0; j < H; j++) {
            for (size_t k = 0; k < I; k++)
                check_matrix(&view->w[g], j, k, w, (k * 3 + place[g]) * H + j, "input kernel");
            for (size_t k = 0; k < H; k++)
                check_matrix(&view->u[g], j, k, u, (k * 3 + place[g]) * H + j, "recurrent kernel");
        }
    }
}

void test_import_keras(void)
{
    for (size_t s = 0; s < SIZES; s++) {
        size_t I = sizes[s][0], H = sizes[s][1];
        float *w = indices(I * 3 * H), *u = indices(H * 3 * H), *two = indices(2 * 3 * H), *one = indices(3 * H);
        gru_error error = {0};
        gru_weights view = {.size = sizeof view};
        gru_desc desc = {.size = sizeof desc, .input = I, .hidden = H, .bias = GRU_BIAS_SIX};
        check_ok(gru_weights_keras(&view, &desc, w, u, two, &error), &error, "Keras, reset_after");
        check_columns(&view, w, u, I, H);
        for (size_t j = 0; j < H; j++) {
            check_vector(&view.bx[GRU_Z], j, two, j, "input bias z");
            check_vector(&view.bx[GRU_R], j, two, H + j, "input bias r");
            check_vector(&view.bx[GRU_N], j, two, 2 * H + j, "input bias h");
            check_vector(&view.bh[GRU_Z], j, two, 3 * H + j, "recurrent bias z");
            check_vector(&view.bh[GRU_R], j, two, 4 * H + j, "recurrent bias r");
            check_vector(&view.bh[GRU_N], j, two, 5 * H + j, "recurrent bias h");
        }
        desc.reset = GRU_RESET_BEFORE;
        desc.bias = GRU_BIAS_ONE;
        check_ok(gru_weights_keras(&view, &desc, w, u, one, &error), &error, "Keras, reset before");
        check_columns(&view, w, u, I, H);
        for (size_t j = 0; j < H; j++) {
            check_vector(&view.bx[GRU_Z], j, one, j, "bias z");
            check_vector(&view.bx[GRU_R], j, one, H + j, "bias r");
            check_vector(&view.bx[GRU_N], j, one, 2 * H + j, "bias h");
        }
        for (size_t g = 0; g < 3; g++)
            check_absent(&view.bh[g], "bh");
    }
}

void test_import_onednn(void)
{
    for (size_t s = 0; s < SIZES; s++) {
        size_t I = sizes[s][0], H = sizes[s][1];
        float *w = indices(I * 3 * H), *u = indices(H * 3 * H), *four = indices(4 * H), *three = indices(3 * H);
        gru_error error = {0};
        gru_weights view = {.size = sizeof view};
        gru_desc desc = {.size = sizeof desc, .input = I, .hidden = H, .bias = GRU_BIAS_FOUR};
        check_ok(gru_weights_onednn(&view, &desc, w, u, four, &error), &error, "oneDNN, lbr_gru");
        check_columns(&view, w, u, I, H);
        for (size_t j = 0; j < H; j++) {
            check_vector(&view.bx[GRU_Z], j, four, j, "bias u");
            check_vector(&view.bx[GRU_R], j, four, H + j, "bias r");
            check_vector(&view.bx[GRU_N], j, four, 2 * H + j, "bias o");
            check_vector(&view.bh[GRU_N], j, four, 3 * H + j, "bias u'");
        }
        check_absent(&view.bh[GRU_R], "bh of r");
        check_absent(&view.bh[GRU_Z], "bh of z");
        desc.reset = GRU_RESET_BEFORE;
        desc.bias = GRU_BIAS_ONE;
        check_ok(gru_weights_onednn(&view, &desc, w, u, three, &error), &error, "oneDNN, vanilla_gru");
        check_columns(&view, w, u, I, H);
        for (size_t j = 0; j < H; j++) {
            check_vector(&view.bx[GRU_Z], j, three, j, "bias u");
            check_vector(&view.bx[GRU_R], j, three, H + j, "bias r");
            check_vector(&view.bx[GRU_N], j, three, 2 * H + j, "bias o");
        }
        check_absent(&view.bh[GRU_N], "bh of n");
    }
}

/* ONNX's and OpenVINO's matrices: [directions, 3, H, inputs], gates z, r, h. */
static void check_node(const gru_weights *view, const float *w, const float *r, size_t d, size_t I, size_t H)
{
    static const size_t place[3] = {[GRU_Z] = 0, [GRU_R] = 1, [GRU_N] = 2};
    for (size_t g = 0; g < 3; g++) {
        for (size_t j = 0; j < H; j++) {
            for (size_t k = 0; k < I; k++)
                check_matrix(&view->w[g], j, k, w, ((d * 3 + place[g]) * H + j) * I + k, "W");
            for (size_t k = 0; k < H; k++)
                check_matrix(&view->u[g], j, k, r, ((d * 3 + place[g]) * H + j) * H + k, "R");
        }
    }
}

void test_import_onnx(void)
{
    for (size_t s = 0; s < SIZES; s++) {
        size_t I = sizes[s][0], H = sizes[s][1];
        float *w = indices(2 * 3 * H * I), *r = indices(2 * 3 * H * H), *b = indices(2 * 6 * H);
        for (size_t i = 0; i < 4; i++) {
            size_t d = i % 2;
            gru_error error = {0};
            gru_weights view = {.size = sizeof view};
            gru_desc desc = {.size = sizeof desc, .input = I, .hidden = H, .bias = GRU_BIAS_SIX,
                             .direction = GRU_BIDIRECTIONAL, .reset = i < 2 ? GRU_RESET_BEFORE : GRU_RESET_AFTER};
            check_ok(gru_weights_onnx(&view, &desc, w, r, b, d, &error), &error, "ONNX");
            check_node(&view, w, r, d, I, H);
            for (size_t j = 0; j < H; j++) {
                check_vector(&view.bx[GRU_Z], j, b, (d * 6 + 0) * H + j, "Wb z");
                check_vector(&view.bx[GRU_R], j, b, (d * 6 + 1) * H + j, "Wb r");
                check_vector(&view.bx[GRU_N], j, b, (d * 6 + 2) * H + j, "Wb h");
                check_vector(&view.bh[GRU_Z], j, b, (d * 6 + 3) * H + j, "Rb z");
                check_vector(&view.bh[GRU_R], j, b, (d * 6 + 4) * H + j, "Rb r");
                check_vector(&view.bh[GRU_N], j, b, (d * 6 + 5) * H + j, "Rb h");
            }
        }
    }
}

void test_import_openvino(void)
{
    for (size_t s = 0; s < SIZES; s++) {
        size_t I = sizes[s][0], H = sizes[s][1];
        float *w = indices(2 * 3 * H * I), *r = indices(2 * 3 * H * H);
        float *four = indices(2 * 4 * H), *three = indices(2 * 3 * H);
        for (size_t d = 0; d < 2; d++) {
            gru_error error = {0};
            gru_weights view = {.size = sizeof view};
            gru_desc desc = {.size = sizeof desc, .input = I, .hidden = H, .bias = GRU_BIAS_FOUR,
                             .direction = GRU_BIDIRECTIONAL};
            check_ok(gru_weights_openvino(&view, &desc, w, r, four, d, &error), &error, "linear_before_reset");
            check_node(&view, w, r, d, I, H);
            for (size_t j = 0; j < H; j++) {
                check_vector(&view.bx[GRU_Z], j, four, (d * 4 + 0) * H + j, "B z");
                check_vector(&view.bx[GRU_R], j, four, (d * 4 + 1) * H + j, "B r");
                check_vector(&view.bx[GRU_N], j, four, (d * 4 + 2) * H + j, "B of W h");
                check_vector(&view.bh[GRU_N], j, four, (d * 4 + 3) * H + j, "B of R h");
            }
            check_absent(&view.bh[GRU_R], "bh of r");
            check_absent(&view.bh[GRU_Z], "bh of z");
            desc.reset = GRU_RESET_BEFORE;
            desc.bias = GRU_BIAS_ONE;
            check_ok(gru_weights_openvino(&view, &desc, w, r, three, d, &error), &error, "reset before");
            check_node(&view, w, r, d, I, H);
            for (size_t j = 0; j < H; j++)
                check_vector(&view.bx[GRU_N], j, three, (d * 3 + 2) * H + j, "B h");
            check_absent(&view.bh[GRU_N], "bh of n");
        }
    }
}

/* Where element k of the state or of the input stands in [h, x] or [x, h], and that in the matrix. */
static size_t joined_index(enum gru_joined form, bool input, size_t j, size_t k, size_t I, size_t H)
{
    bool hx = form == GRU_JOINED_HX_COLUMN || form == GRU_JOINED_HX_ROW;
    size_t position = hx ? (input ? H + k : k) : (input ? k : I + k);
    bool by_row = form == GRU_JOINED_HX_ROW || form == GRU_JOINED_XH_ROW;
    return by_row ? position * H + j : j * (H + I) + position;
}

void test_import_joined(void)
{
    for (size_t s = 0; s < SIZES * 4; s++) {
        size_t I = sizes[s / 4][0], H = sizes[s / 4][1];
        enum gru_joined form = (enum gru_joined)(s % 4);
        for (size_t variant = 0; variant < 6; variant++) {
            gru_desc desc = {.size = sizeof desc, .input = I, .hidden = H, .reset = (enum gru_reset)(variant % 3),
                             .update = variant % 2 ? GRU_UPDATE_REPLACE : GRU_UPDATE_KEEP,
                             .bias = variant < 3 ? GRU_BIAS_ONE : GRU_BIAS_ONE_INSIDE};
            size_t first = desc.reset == GRU_RESET_NONE ? GRU_Z : GRU_R;
            const float *matrices[3] = {NULL}, *biases[3] = {NULL};
            for (size_t g = first; g < 3; g++) {
                matrices[g] = indices(H * (H + I));
                biases[g] = indices(H);
            }
            gru_error error = {0};
            gru_weights view = {.size = sizeof view};
            check_ok(gru_weights_joined(&view, &desc, matrices, biases, form, &error), &error, "joined");
            CHECK(first == GRU_R || (view.w[GRU_R].data == NULL && view.u[GRU_R].data == NULL), "r is absent");
            CHECK(first == GRU_R || view.bx[GRU_R].data == NULL, "r's bias is absent");
            for (size_t g = first; g < 3; g++) {
                bool inside = desc.bias == GRU_BIAS_ONE_INSIDE && g == GRU_N;
                check_absent(inside ? &view.bx[g] : &view.bh[g], "the other bias");
                for (size_t j = 0; j < H; j++) {
                    for (size_t k = 0; k < I; k++)
                        check_matrix(&view.w[g], j, k, matrices[g], joined_index(form, true, j, k, I, H), "W");
                    for (size_t k = 0; k < H; k++)
                        check_matrix(&view.u[g], j, k, matrices[g], joined_index(form, false, j, k, I, H), "U");
                    check_vector(inside ? &view.bh[g] : &view.bx[g], j, biases[g], j, "bias");
                }
            }
        }
    }
}
