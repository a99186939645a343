/* SPDX-License-Identifier: BSD-2-Clause */
/* desc.c: reads and checks what a caller says of a layer: its description and its weights. */
#include "desc.h"

#include "size.h"
#include "status.h"

#include <math.h>

const char *const gru_gate_names[3] = {"GRU_R", "GRU_Z", "GRU_N"};
const char *const gru_bias_names[5] = {"GRU_BIAS_NONE", "GRU_BIAS_ONE", "GRU_BIAS_ONE_INSIDE", "GRU_BIAS_FOUR",
                                       "GRU_BIAS_SIX"};

static enum gru_status check_sizes(const gru_desc *desc, gru_error *error)
{
    size_t elements, columns;
    if (desc->input == 0 || desc->hidden == 0)
        return gru_fail(error, GRU_ZERO_SIZE, "desc.input is %zu and desc.hidden is %zu, but each must be at least 1",
                        desc->input, desc->hidden);
    if (!gru_add(desc->input, desc->hidden, &columns) ||
        !gru_elements(3 * gru_directions(desc), desc->hidden, columns, &elements))
        return gru_fail(error, GRU_OVERFLOW,
                        "the weights of desc.input %zu and desc.hidden %zu are more than memory's address range holds",
                        desc->input, desc->hidden);
    return GRU_OK;
}

enum gru_status gru_enums_check(const char *of, const struct gru_enum_field *fields, size_t count, gru_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (fields[i].value > fields[i].last)
            return gru_fail(error, GRU_BAD_ENUM, "%s%s is %d, but libgru %s knows 0 to %u", of, fields[i].name,
                            (int)fields[i].value, gru_version(), fields[i].last);
    return GRU_OK;
}

static enum gru_status check_enums(const gru_desc *desc, gru_error *error)
{
    const struct gru_enum_field fields[] = {
        {"reset", (unsigned)desc->reset, GRU_RESET_NONE}, {"update", (unsigned)desc->update, GRU_UPDATE_REPLACE},
        {"bias", (unsigned)desc->bias, GRU_BIAS_SIX},     {"direction", (unsigned)desc->direction, GRU_BIDIRECTIONAL},
        {"merge", (unsigned)desc->merge, GRU_MERGE_SUM},  {"gates", (unsigned)desc->gates, GRU_GATES_HARD_SIGMOID},
        {"tier", (unsigned)desc->tier, GRU_TIER_SLEEF},   {"weight_type", (unsigned)desc->weight_type, GRU_F32},
    };
    return gru_enums_check("desc.", fields, sizeof fields / sizeof fields[0], error);
}

enum gru_status gru_numbers_check(const char *of, float clip, float hard_alpha, float hard_beta, gru_error *error)
{
    if (isnan(clip) || clip < 0.0f)
        return gru_fail(error, GRU_BAD_VALUE, "%sclip is %g, but it must be positive, or 0 for none", of, (double)clip);
    if (!isfinite(hard_alpha) || !isfinite(hard_beta))
        return gru_fail(error, GRU_BAD_VALUE, "%shard_alpha is %g and %shard_beta is %g, but both must be finite", of,
                        (double)hard_alpha, of, (double)hard_beta);
    return GRU_OK;
}

void gru_numbers_default(float *clip, float *hard_alpha, float *hard_beta)
{
    if (*hard_alpha == 0.0f && *hard_beta == 0.0f) {
        *hard_alpha = 0.2f; /* the defaults of ONNX's HardSigmoid and of Keras before version 3 */
        *hard_beta = 0.5f;
    }
    /* No value lies beyond infinity, so such a clip is none; -0 is none either, and mustn't look like a clip. */
    if (isinf(*clip) || *clip == 0.0f)
        *clip = 0.0f;
}

static void make_canonical(gru_desc *desc)
{
    if (desc->direction != GRU_BIDIRECTIONAL)
        desc->merge = GRU_MERGE_CONCAT;
    gru_numbers_default(&desc->clip, &desc->hard_alpha, &desc->hard_beta);
    if (desc->gates != GRU_GATES_HARD_SIGMOID) {
        desc->hard_alpha = 0.0f;
        desc->hard_beta = 0.0f;
    }
}

enum gru_status gru_desc_read(gru_desc *to, const gru_desc *from, gru_error *error)
{
    gru_desc desc;
    enum gru_status status = gru_read_struct(&desc, sizeof desc, from, "gru_desc", error);
    if (status == GRU_OK)
        status = check_enums(&desc, error); /* before the sizes, which ask for the direction */
    if (status == GRU_OK)
        status = check_sizes(&desc, error);
    if (status == GRU_OK)
        status = gru_numbers_check("desc.", desc.clip, desc.hard_alpha, desc.hard_beta, error);
    if (status != GRU_OK)
        return status;
    make_canonical(&desc);
    *to = desc;
    return GRU_OK;
}

static enum gru_status check_matrix(const gru_matrix *matrix, const gru_desc *desc, const char *view, char which,
                                    size_t gate, gru_error *error)
{
    if (!gru_has_gate(desc, gate)) {
        if (matrix->data != NULL)
            return gru_fail(error, GRU_BAD_DIALECT,
                            "%s.%c[GRU_R].data is set, but desc.reset is GRU_RESET_NONE: there is no such gate", view,
                            which);
        return GRU_OK;
    }
    if (matrix->data == NULL)
        return gru_fail(error, GRU_NULL_POINTER, "%s.%c[%s].data is NULL", view, which, gru_gate_names[gate]);
    size_t reach = 0;
    if (!gru_add_reach(&reach, desc->hidden, matrix->unit) ||
        !gru_add_reach(&reach, which == 'w' ? desc->input : desc->hidden, matrix->column))
        return gru_fail(error, GRU_OVERFLOW,
                        "%s.%c[%s] with unit %td and column %td reaches beyond memory's address range", view, which,
                        gru_gate_names[gate], matrix->unit, matrix->column);
    return GRU_OK;
}

static enum gru_status check_bias(const gru_vector *bias, const gru_desc *desc, bool wanted, const char *view,
                                  const char *which, size_t gate, gru_error *error)
{
    if (wanted != (bias->data != NULL))
        return gru_fail(error, GRU_BAD_BIAS, "%s.%s[%s].data is %s, but desc.bias is %s%s", view, which,
                        gru_gate_names[gate], wanted ? "NULL" : "set", gru_bias_names[desc->bias],
                        desc->reset == GRU_RESET_NONE ? ", without a reset gate" : "");
    size_t reach = 0;
    if (wanted && !gru_add_reach(&reach, desc->hidden, bias->unit))
        return gru_fail(error, GRU_OVERFLOW, "%s.%s[%s] with unit %td reaches beyond memory's address range", view,
                        which, gru_gate_names[gate], bias->unit);
    return GRU_OK;
}

enum gru_status gru_weights_check(const gru_weights *weights, const gru_desc *desc, const char *name, gru_error *error)
{
    for (size_t gate = 0; gate < 3; gate++) {
        enum gru_status status = check_matrix(&weights->w[gate], desc, name, 'w', gate, error);
        if (status == GRU_OK)
            status = check_matrix(&weights->u[gate], desc, name, 'u', gate, error);
        if (status == GRU_OK)
            status = check_bias(&weights->bx[gate], desc, gru_has_bx(desc, gate), name, "bx", gate, error);
        if (status == GRU_OK)
            status = check_bias(&weights->bh[gate], desc, gru_has_bh(desc, gate), name, "bh", gate, error);
        if (status != GRU_OK)
            return status;
    }
    return GRU_OK;
}

enum gru_status gru_weights_read(gru_weights to[2], const gru_weights *from, const gru_desc *desc, gru_error *error)
{
    static const char *const names[2][2] = {{"weights"}, {"weights[0]", "weights[1]"}};
    gru_weights views[2] = {{.size = 0}, {.size = 0}};
    size_t step = 0;
    const size_t directions = gru_directions(desc);
    for (size_t direction = 0; direction < directions; direction++) {
        const char *name = names[directions - 1][direction];
        const void *place = direction == 0 ? (const void *)from : (const unsigned char *)from + step;
        const char *type = directions == 1 ? "gru_weights" : name;
        enum gru_status status = gru_read_struct(&views[direction], sizeof views[0], place, type, error);
        if (status == GRU_OK)
            status = gru_weights_check(&views[direction], desc, name, error);
        if (status != GRU_OK)
            return status;
        step = from->size;
    }
    to[0] = views[0];
    to[1] = views[1];
    return GRU_OK;
}
