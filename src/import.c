/* SPDX-License-Identifier: BSD-2-Clause */
/* import.c: views of the weights that other libraries hold, each in its own dialect. */
#include "desc.h"
#include "size.h"
#include "status.h"

/*
 * All of this is pointer arithmetic; no weight is read. What makes it safe: gru_desc_read has found that both
 * directions of W, U and the biases are arrays that can exist, so an offset into any of them fits in a ptrdiff_t.
 */

/* What a dialect can express. A set of biases is a mask of 1 << enum gru_bias, indexed by enum gru_reset; 0 means that
 * the dialect has no such GRU. */
struct dialect {
    const char *name;
    bool keep_only; /* whether the update can't be other than GRU_UPDATE_KEEP */
    unsigned char biases[3];
    const char *said[3]; /* the same sets, for messages */
};

enum {
    NONE = 1 << GRU_BIAS_NONE,
    ONE = 1 << GRU_BIAS_ONE,
    INSIDE = 1 << GRU_BIAS_ONE_INSIDE,
    FOUR = 1 << GRU_BIAS_FOUR,
    SIX = 1 << GRU_BIAS_SIX
};

static const struct dialect pytorch = {
    "PyTorch", true, {[GRU_RESET_AFTER] = NONE | SIX}, {[GRU_RESET_AFTER] = "GRU_BIAS_NONE or GRU_BIAS_SIX"}};

static const struct dialect keras = {
    "Keras",
    true,
    {[GRU_RESET_AFTER] = NONE | SIX, [GRU_RESET_BEFORE] = NONE | ONE},
    {[GRU_RESET_AFTER] = "GRU_BIAS_NONE or GRU_BIAS_SIX", [GRU_RESET_BEFORE] = "GRU_BIAS_NONE or GRU_BIAS_ONE"}};

static const struct dialect onnx = {
    "ONNX",
    true,
    {[GRU_RESET_AFTER] = NONE | SIX, [GRU_RESET_BEFORE] = NONE | SIX},
    {[GRU_RESET_AFTER] = "GRU_BIAS_NONE or GRU_BIAS_SIX", [GRU_RESET_BEFORE] = "GRU_BIAS_NONE or GRU_BIAS_SIX"}};

static const struct dialect openvino = {
    "OpenVINO",
    true,
    {[GRU_RESET_AFTER] = NONE | FOUR, [GRU_RESET_BEFORE] = NONE | ONE},
    {[GRU_RESET_AFTER] = "GRU_BIAS_NONE or GRU_BIAS_FOUR", [GRU_RESET_BEFORE] = "GRU_BIAS_NONE or GRU_BIAS_ONE"}};

static const struct dialect onednn = {
    "oneDNN",
    true,
    {[GRU_RESET_AFTER] = NONE | FOUR, [GRU_RESET_BEFORE] = NONE | ONE},
    {[GRU_RESET_AFTER] = "GRU_BIAS_NONE or GRU_BIAS_FOUR", [GRU_RESET_BEFORE] = "GRU_BIAS_NONE or GRU_BIAS_ONE"}};

#define JOINED_BIASES "GRU_BIAS_NONE, GRU_BIAS_ONE or GRU_BIAS_ONE_INSIDE"
static const struct dialect joined = {"the joined dialect",
                                      false,
                                      {NONE | ONE | INSIDE, NONE | ONE | INSIDE, NONE | ONE | INSIDE},
                                      {JOINED_BIASES, JOINED_BIASES, JOINED_BIASES}};

/* Where gate r, z, n stands among the gates of a dialect. */
static const unsigned char order_rzn[3] = {0, 1, 2};
static const unsigned char order_zrn[3] = {1, 0, 2};

/* Reads the description and refuses what the dialect can't express. */
static enum gru_status read_dialect(gru_desc *desc, const gru_desc *from, const struct dialect *dialect,
                                    gru_error *error)
{
    static const char *const resets[3] = {"GRU_RESET_AFTER", "GRU_RESET_BEFORE", "GRU_RESET_NONE"};
    enum gru_status status = gru_desc_read(desc, from, error);
    if (status != GRU_OK)
        return status;
    unsigned known = dialect->biases[desc->reset];
    if (known == 0)
        return gru_fail(error, GRU_BAD_DIALECT, "desc.reset is %s, but %s has no such GRU", resets[desc->reset],
                        dialect->name);
    if (dialect->keep_only && desc->update != GRU_UPDATE_KEEP)
        return gru_fail(error, GRU_BAD_DIALECT, "desc.update is GRU_UPDATE_REPLACE, but %s has GRU_UPDATE_KEEP alone",
                        dialect->name);
    if ((known & 1u << desc->bias) == 0)
        return gru_fail(error, GRU_BAD_DIALECT, "desc.bias is %s, but with %s %s has %s", gru_bias_names[desc->bias],
                        resets[desc->reset], dialect->name, dialect->said[desc->reset]);
    return GRU_OK;
}

/* Checks the pointers that every dialect but the joined one has. Their names are the caller's parameters. */
static enum gru_status check_arrays(const gru_desc *desc, const float *w, const char *w_name, const float *u,
                                    const char *u_name, gru_error *error)
{
    if (w == NULL || u == NULL)
        return gru_fail(error, GRU_NULL_POINTER, "%s is NULL, for desc.input %zu and desc.hidden %zu",
                        w == NULL ? w_name : u_name, desc->input, desc->hidden);
    return GRU_OK;
}

static enum gru_status check_given(const gru_desc *desc, const float *bias, const char *name, gru_error *error)
{
    bool wanted = desc->bias != GRU_BIAS_NONE;
    if (wanted != (bias != NULL))
        return gru_fail(error, GRU_BAD_BIAS, "%s is %s, but desc.bias is %s", name, wanted ? "NULL" : "set",
                        gru_bias_names[desc->bias]);
    return GRU_OK;
}

/* Direction 1 is there in the arrays of a bidirectional node alone; elsewhere it would point past their end. */
static enum gru_status check_direction(const gru_desc *desc, size_t direction, gru_error *error)
{
    if (direction >= gru_directions(desc))
        return gru_fail(error, GRU_BAD_VALUE,
                        "direction is %zu, but the arrays of this layer have %s: number 1 is the reverse half of "
                        "GRU_BIDIRECTIONAL",
                        direction, gru_directions(desc) == 2 ? "directions 0 and 1" : "direction 0 alone");
    return GRU_OK;
}

/* Gates stacked in blocks of rows: [3H, I] and [3H, H], a row per unit. */
static void place_rows(gru_weights *view, const gru_desc *desc, const float *w, const float *u,
                       const unsigned char order[3])
{
    size_t inputs = desc->input, hidden = desc->hidden;
    for (size_t gate = 0; gate < 3; gate++) {
        view->w[gate] = (gru_matrix){w + order[gate] * hidden * inputs, (ptrdiff_t)inputs, 1};
        view->u[gate] = (gru_matrix){u + order[gate] * hidden * hidden, (ptrdiff_t)hidden, 1};
    }
}

/* Gates side by side in blocks of columns: [I, 3H] and [H, 3H], a column per unit. */
static void place_columns(gru_weights *view, const gru_desc *desc, const float *w, const float *u,
                          const unsigned char order[3])
{
    size_t hidden = desc->hidden;
    for (size_t gate = 0; gate < 3; gate++) {
        view->w[gate] = (gru_matrix){w + order[gate] * hidden, 1, (ptrdiff_t)(3 * hidden)};
        view->u[gate] = (gru_matrix){u + order[gate] * hidden, 1, (ptrdiff_t)(3 * hidden)};
    }
}

/*
 * The biases that desc.bias announces. bx holds a block of H for each gate; bh too if there are six, else the
 * candidate's block alone.
 */
static void place_biases(gru_weights *view, const gru_desc *desc, const float *bx, const float *bh,
                         const unsigned char order[3])
{
    for (size_t gate = 0; gate < 3; gate++) {
        if (gru_has_bx(desc, gate))
            view->bx[gate] = (gru_vector){bx + order[gate] * desc->hidden, 1};
        if (gru_has_bh(desc, gate))
            view->bh[gate] = (gru_vector){desc->bias == GRU_BIAS_SIX ? bh + order[gate] * desc->hidden : bh, 1};
    }
}

enum gru_status gru_weights_pytorch(gru_weights *weights, const gru_desc *from, const float *weight_ih,
                                    const float *weight_hh, const float *bias_ih, const float *bias_hh,
                                    gru_error *error)
{
    gru_desc desc;
    enum gru_status status = read_dialect(&desc, from, &pytorch, error);
    if (status == GRU_OK)
        status = check_arrays(&desc, weight_ih, "weight_ih", weight_hh, "weight_hh", error);
    if (status == GRU_OK)
        status = check_given(&desc, bias_ih, "bias_ih", error);
    if (status == GRU_OK)
        status = check_given(&desc, bias_hh, "bias_hh", error);
    if (status != GRU_OK)
        return status;
    gru_weights view = {.size = sizeof view};
    place_rows(&view, &desc, weight_ih, weight_hh, order_rzn);
    place_biases(&view, &desc, bias_ih, bias_hh, order_rzn);
    return gru_write_struct(weights, &view, sizeof view, "gru_weights", error);
}

enum gru_status gru_weights_keras(gru_weights *weights, const gru_desc *from, const float *kernel,
                                  const float *recurrent_kernel, const float *bias, gru_error *error)
{
    gru_desc desc;
    enum gru_status status = read_dialect(&desc, from, &keras, error);
    if (status == GRU_OK)
        status = check_arrays(&desc, kernel, "kernel", recurrent_kernel, "recurrent_kernel", error);
    if (status == GRU_OK)
        status = check_given(&desc, bias, "bias", error);
    if (status != GRU_OK)
        return status;
    gru_weights view = {.size = sizeof view};
    place_columns(&view, &desc, kernel, recurrent_kernel, order_zrn);
    if (bias != NULL) /* [2, 3H] is the input's row, then the state's; [3H] has no second row, and none is taken */
        place_biases(&view, &desc, bias, bias + (desc.bias == GRU_BIAS_SIX ? 3 * desc.hidden : 0), order_zrn);
    return gru_write_struct(weights, &view, sizeof view, "gru_weights", error);
}

/* ONNX and OpenVINO share W, R and the direction axis, and differ in what B holds. */
static enum gru_status import_node(gru_weights *weights, const gru_desc *from, const float *w, const float *r,
                                   const float *b, size_t direction, const struct dialect *dialect, gru_error *error)
{
    gru_desc desc;
    enum gru_status status = read_dialect(&desc, from, dialect, error);
    if (status == GRU_OK)
        status = check_direction(&desc, direction, error);
    if (status == GRU_OK)
        status = check_arrays(&desc, w, "W", r, "R", error);
    if (status == GRU_OK)
        status = check_given(&desc, b, "B", error);
    if (status != GRU_OK)
        return status;
    size_t hidden = desc.hidden;
    gru_weights view = {.size = sizeof view};
    place_rows(&view, &desc, w + direction * 3 * hidden * desc.input, r + direction * 3 * hidden * hidden, order_zrn);
    if (b != NULL) { /* six: Wb z, r, h, then Rb z, r, h; four: the sums for z and r, then Wb h, Rb h */
        size_t blocks = desc.bias == GRU_BIAS_SIX ? 6 : desc.bias == GRU_BIAS_FOUR ? 4 : 3;
        const float *bx = b + direction * blocks * hidden;
        place_biases(&view, &desc, bx, blocks > 3 ? bx + 3 * hidden : NULL, order_zrn);
    }
    return gru_write_struct(weights, &view, sizeof view, "gru_weights", error);
}

enum gru_status gru_weights_onnx(gru_weights *weights, const gru_desc *desc, const float *w, const float *r,
                                 const float *b, size_t direction, gru_error *error)
{
    return import_node(weights, desc, w, r, b, direction, &onnx, error);
}

enum gru_status gru_weights_openvino(gru_weights *weights, const gru_desc *desc, const float *w, const float *r,
                                     const float *b, size_t direction, gru_error *error)
{
    return import_node(weights, desc, w, r, b, direction, &openvino, error);
}

enum gru_status gru_weights_onednn(gru_weights *weights, const gru_desc *from, const float *weights_layer,
                                   const float *weights_iter, const float *bias, gru_error *error)
{
    gru_desc desc;
    enum gru_status status = read_dialect(&desc, from, &onednn, error);
    if (status == GRU_OK)
        status = check_arrays(&desc, weights_layer, "weights_layer", weights_iter, "weights_iter", error);
    if (status == GRU_OK)
        status = check_given(&desc, bias, "bias", error);
    if (status != GRU_OK)
        return status;
    gru_weights view = {.size = sizeof view};
    place_columns(&view, &desc, weights_layer, weights_iter, order_zrn);
    if (bias != NULL) /* u, r, o, and with lbr_gru u', which is added to U h of the candidate */
        place_biases(&view, &desc, bias, desc.bias == GRU_BIAS_FOUR ? bias + 3 * desc.hidden : NULL, order_zrn);
    return gru_write_struct(weights, &view, sizeof view, "gru_weights", error);
}

/* Checks the arrays of the joined dialect: exactly the gates that exist, exactly the biases that are announced. */
static enum gru_status check_joined(const gru_desc *desc, const float *const matrices[3], const float *const biases[3],
                                    gru_error *error)
{
    if (matrices == NULL)
        return gru_fail(error, GRU_NULL_POINTER, "matrices is NULL");
    for (size_t gate = 0; gate < 3; gate++) {
        bool there = gru_has_gate(desc, gate), wanted = there && desc->bias != GRU_BIAS_NONE;
        if (there && matrices[gate] == NULL)
            return gru_fail(error, GRU_NULL_POINTER, "matrices[%s] is NULL", gru_gate_names[gate]);
        if (!there && matrices[gate] != NULL)
            return gru_fail(error, GRU_BAD_DIALECT, "matrices[%s] is set, but desc.reset is GRU_RESET_NONE",
                            gru_gate_names[gate]);
        if (wanted != (biases != NULL && biases[gate] != NULL))
            return gru_fail(error, GRU_BAD_BIAS, "biases[%s] is %s, but desc.bias is %s%s", gru_gate_names[gate],
                            wanted ? "NULL" : "set", gru_bias_names[desc->bias],
                            there ? "" : " and desc.reset is GRU_RESET_NONE");
    }
    return GRU_OK;
}

enum gru_status gru_weights_joined(gru_weights *weights, const gru_desc *from, const float *const matrices[3],
                                   const float *const biases[3], enum gru_joined form, gru_error *error)
{
    gru_desc desc;
    enum gru_status status = read_dialect(&desc, from, &joined, error);
    if (status == GRU_OK && (unsigned)form > GRU_JOINED_XH_ROW)
        status = gru_fail(error, GRU_BAD_ENUM, "form is %d, but libgru %s knows 0 to %d", (int)form, gru_version(),
                          (int)GRU_JOINED_XH_ROW);
    if (status == GRU_OK)
        status = check_joined(&desc, matrices, biases, error);
    if (status != GRU_OK)
        return status;
    size_t hidden = desc.hidden;
    bool rows = form == GRU_JOINED_HX_ROW || form == GRU_JOINED_XH_ROW;
    bool state_first = form == GRU_JOINED_HX_COLUMN || form == GRU_JOINED_HX_ROW;
    /* An element of [h, x] is a row of H floats in row-vector form, a column in the other. */
    ptrdiff_t column = rows ? (ptrdiff_t)hidden : 1;
    ptrdiff_t unit = rows ? 1 : (ptrdiff_t)(hidden + desc.input);
    size_t w_start = (state_first ? hidden : 0) * (size_t)column;
    size_t u_start = (state_first ? 0 : desc.input) * (size_t)column;
    gru_weights view = {.size = sizeof view};
    for (size_t gate = 0; gate < 3; gate++) {
        if (gru_has_gate(&desc, gate)) {
            view.w[gate] = (gru_matrix){matrices[gate] + w_start, unit, column};
            view.u[gate] = (gru_matrix){matrices[gate] + u_start, unit, column};
        }
        if (gru_has_bx(&desc, gate))
            view.bx[gate] = (gru_vector){biases[gate], 1};
        if (gru_has_bh(&desc, gate))
            view.bh[gate] = (gru_vector){biases[gate], 1};
    }
    return gru_write_struct(weights, &view, sizeof view, "gru_weights", error);
}
