/* SPDX-License-Identifier: BSD-2-Clause */
/* gate.c: one gate of its own, act(W x + U h + b): packed, and run over rows. */
#include "desc.h"
#include "faint.h"
#include "layer.h"
#include "memory.h"
#include "run.h"
#include "size.h"
#include "status.h"

struct gru_gate {
    gru_gate_desc desc; /* as read; its views of weights are cleared */
    const struct gru_backend *backend;
    gru_allocator allocator;
    size_t bytes;
    struct gru_product w, u; /* length 0: not there */
    float faint_x, faint_h;  /* how small a row is that counts as zeros (faint.h); 0: none is */
};

/* Rows that go through the products together; more of them need no more workspace. */
enum { BLOCK_ROWS = 64 };

static enum gru_status check_view(const char *name, size_t units, size_t length, const gru_matrix *matrix,
                                  const gru_vector *bias, gru_error *error)
{
    size_t reach = 0, bias_reach = 0;
    if (length && !matrix->data)
        return gru_fail(error, GRU_NULL_POINTER, "%s.data is NULL, but it has %zu columns", name, length);
    if (!length && matrix->data)
        return gru_fail(error, GRU_MISMATCH, "%s.data is set, but it has no columns", name);
    if (!length && bias->data)
        return gru_fail(error, GRU_BAD_BIAS, "b%s is set, but without %s there is no sum that it would start",
                        name[0] == 'w' ? "x" : "h", name);
    if (length && (!gru_add_reach(&reach, units, matrix->unit) || !gru_add_reach(&reach, length, matrix->column) ||
                   !gru_add_reach(&bias_reach, units, bias->data ? bias->unit : 0)))
        return gru_fail(error, GRU_OVERFLOW,
                        "%s with unit %td and column %td, or its bias with unit %td, reaches beyond memory's "
                        "address range",
                        name, matrix->unit, matrix->column, bias->unit);
    return GRU_OK;
}

static enum gru_status check_fields(const gru_gate_desc *desc, gru_error *error)
{
    if (desc->units == 0 || (desc->inputs == 0 && desc->states == 0))
        return gru_fail(error, GRU_ZERO_SIZE,
                        "units is %zu, inputs %zu, states %zu: a gate needs units and one of the others", desc->units,
                        desc->inputs, desc->states);
    const struct gru_enum_field fields[] = {
        {"activation", (unsigned)desc->activation, GRU_ACTIVATION_HARD_SIGMOID},
        {"tier", (unsigned)desc->tier, GRU_TIER_SLEEF},
        {"weight_type", (unsigned)desc->weight_type, GRU_F32},
    };
    return gru_enums_check("", fields, sizeof fields / sizeof fields[0], error);
}

static enum gru_status read_gate_desc(gru_gate_desc *to, const gru_gate_desc *from, gru_error *error)
{
    enum gru_status status = gru_read_struct(to, sizeof *to, from, "gru_gate_desc", error);
    if (status == GRU_OK)
        status = gru_numbers_check("", to->clip, to->hard_alpha, to->hard_beta, error);
    if (status == GRU_OK)
        status = check_fields(to, error);
    if (status == GRU_OK)
        status = check_view("w", to->units, to->inputs, &to->w, &to->bx, error);
    if (status == GRU_OK)
        status = check_view("u", to->units, to->states, &to->u, &to->bh, error);
    if (status == GRU_OK && !to->backend)
        status = gru_backend_for(&to->backend, to->units, error);
    if (status == GRU_OK)
        status = gru_backend_check_tier(to->backend, to->tier, error);
    if (status == GRU_OK)
        gru_numbers_default(&to->clip, &to->hard_alpha, &to->hard_beta);
    return status;
}

static size_t gate_header(void)
{
    return gru_round_up(sizeof(struct gru_gate), GRU_ALIGNMENT);
}

static struct gru_product make_product(void *memory, const gru_gate_desc *desc, size_t length, gru_matrix matrix,
                                       gru_vector bias)
{
    if (!length)
        return (struct gru_product){0};
    struct gru_product product = gru_product_place(memory, desc->units, length, 1, desc->backend->lanes);
    gru_product_pack(&product, desc->backend->lanes, 0, desc->units, matrix, bias);
    return product;
}

/* An identity shows its sum whatever it is. */
static void find_faint(struct gru_gate *gate, const gru_gate_desc *desc)
{
    const size_t lanes = gate->backend->lanes;
    if (desc->activation == GRU_ACTIVATION_IDENTITY ||
        (desc->activation == GRU_ACTIVATION_HARD_SIGMOID && !gru_faint_hard(desc->hard_alpha, desc->hard_beta)))
        return;
    gate->faint_x = gru_faint_limit(&gate->w, lanes, GRU_FAINT_SUM);
    gate->faint_h = gru_faint_limit(&gate->u, lanes, GRU_FAINT_SUM);
}

enum gru_status gru_gate_create(gru_gate **gate, const gru_gate_desc *desc, const gru_allocator *allocator,
                                gru_error *error)
{
    gru_gate_desc read;
    size_t w = 0, u = 0;
    if (!gate)
        return gru_fail(error, GRU_NULL_POINTER, "gru_gate_create: gate is NULL");
    enum gru_status status = read_gate_desc(&read, desc, error);
    if (status != GRU_OK)
        return status;
    size_t lanes = read.backend->lanes;
    int fits = (!read.inputs || gru_product_bytes(read.units, read.inputs, 1, lanes, &w)) &&
               (!read.states || gru_product_bytes(read.units, read.states, 1, lanes, &u));
    size_t bytes = w + u + gate_header(); /* each product is at most a third of the address range: no wrapping round */
    if (!fits || bytes > (size_t)PTRDIFF_MAX)
        return gru_fail(error, GRU_OVERFLOW,
                        "the packed weights of %zu units by %zu inputs and %zu states fit in no memory", read.units,
                        read.inputs, read.states);
    void *memory;
    status = gru_allocate(&memory, allocator, bytes, GRU_ALIGNMENT, "gate", error);
    if (status != GRU_OK)
        return status;

    struct gru_gate *made = memory;
    char *products = (char *)memory + gate_header();
    *made = (struct gru_gate){.backend = read.backend, .bytes = bytes};
    made->w = make_product(products, &read, read.inputs, read.w, read.bx);
    made->u = make_product(products + w, &read, read.states, read.u, read.bh);
    find_faint(made, &read);
    if (allocator)
        made->allocator = *allocator;
    read.w = read.u = (gru_matrix){0};
    read.bx = read.bh = (gru_vector){0};
    made->desc = read;
    *gate = made;
    return GRU_OK;
}

void gru_gate_destroy(gru_gate *gate)
{
    if (gate) {
        gru_allocator allocator = gate->allocator;
        gru_release(&allocator, gate, gate->bytes);
    }
}

/* Where a block's arrays lie in the workspace: cleaned x and h, and the two sums. Strides and offsets in floats. */
struct block {
    size_t rows, x_row, h_row, a_row;
    size_t h, ax, ah, floats;
};

/* Its rows are few, and a row of each array is no longer than a row of weights that exist, or as long as there are
 * units; where that is too much all the same, needed_bytes has said so. */
static struct block lay_out(const struct gru_gate *gate, size_t rows)
{
    struct block b = {.rows = gru_least(rows, BLOCK_ROWS)};
    b.x_row = gru_round_up(gate->desc.inputs, GRU_LINE);
    b.h_row = gru_round_up(gate->desc.states, GRU_LINE);
    b.a_row = gru_round_up(gru_round_up(gate->desc.units, gate->backend->lanes), GRU_LINE);
    b.h = b.rows * b.x_row;
    b.ax = b.h + b.rows * b.h_row;
    b.ah = b.ax + b.rows * b.a_row;
    b.floats = b.ah + b.rows * b.a_row;
    return b;
}

static enum gru_status needed_bytes(const struct gru_gate *gate, size_t rows, size_t *bytes, gru_error *error)
{
    size_t floats = (size_t)PTRDIFF_MAX / sizeof(float) / (8 * BLOCK_ROWS);
    /* not covered: where an address has 64 bits, weights of such a size are in no memory */
    if (gate->desc.inputs > floats || gate->desc.states > floats || gate->desc.units > floats)
        return gru_fail(error, GRU_OVERFLOW, "the workspace of a gate of %zu units fits in no memory",
                        gate->desc.units);
    *bytes = lay_out(gate, rows).floats * sizeof(float) + GRU_ALIGNMENT;
    return GRU_OK;
}

enum gru_status gru_gate_workspace_bytes(const gru_gate *gate, size_t rows, size_t *bytes, gru_error *error)
{
    if (!gate || !bytes)
        return gru_fail(error, GRU_NULL_POINTER, "gru_gate_workspace_bytes: %s is NULL", gate ? "bytes" : "gate");
    return needed_bytes(gate, rows, bytes, error);
}

static enum gru_status check_run(const struct gru_gate *gate, size_t rows, const float *x, ptrdiff_t x_row,
                                 const float *h, ptrdiff_t h_row, const float *out, ptrdiff_t out_row, gru_error *error)
{
    const struct {
        const char *name;
        ptrdiff_t stride;
    } axes[] = {{"x_row", x ? x_row : 0}, {"h_row", h ? h_row : 0}, {"out_row", out_row}};
    const bool lacking = (!x && gate->desc.inputs) || (!h && gate->desc.states);
    if (lacking || (x && !gate->desc.inputs) || (h && !gate->desc.states))
        return gru_fail(error, lacking ? GRU_NULL_POINTER : GRU_MISMATCH,
                        "x is %s and h is %s, but the gate has %zu inputs and %zu states (what it has none of is NULL)",
                        x ? "set" : "NULL", h ? "set" : "NULL", gate->desc.inputs, gate->desc.states);
    if (!out)
        return gru_fail(error, GRU_NULL_POINTER, "gru_gate_run: out is NULL");
    if (rows > 1 && gru_magnitude(out_row) < gate->desc.units)
        return gru_fail(error, GRU_BAD_STRIDE, "out_row is %td, but a row of out is %zu wide: its rows would overlap",
                        out_row, gate->desc.units);
    for (size_t i = 0, reach = 0; i < sizeof axes / sizeof axes[0]; i++, reach = 0)
        if (!gru_add_reach(&reach, rows, axes[i].stride))
            return gru_fail(error, GRU_OVERFLOW, "%s is %td, but no memory holds %zu of these", axes[i].name,
                            axes[i].stride, rows);
    return GRU_OK;
}

/* One sum of a block's rows: cleaned inputs, then the product. */
static void run_product(const struct gru_gate *gate, const struct gru_product *product, float faint, size_t rows,
                        const float *from, ptrdiff_t from_row, float *cleaned, size_t cleaned_row, float *sums,
                        size_t sums_row)
{
    gate->backend->clean(cleaned, cleaned_row, from, from_row, rows, product->length);
    if (faint > 0)
        gru_faint_clear(cleaned, cleaned_row, rows, product->length, faint);
    size_t groups = (product->units + gate->backend->lanes - 1) / gate->backend->lanes;
    gate->backend->product(product, rows, cleaned, cleaned_row, 0, groups, sums, sums_row);
}

enum gru_status gru_gate_run(const gru_gate *gate, size_t rows, const float *x, ptrdiff_t x_row, const float *h,
                             ptrdiff_t h_row, float *out, ptrdiff_t out_row, void *workspace, size_t workspace_bytes,
                             gru_error *error)
{
    size_t needed = 0;
    if (!gate)
        return gru_fail(error, GRU_NULL_POINTER, "gru_gate_run: gate is NULL");
    enum gru_status status = rows ? check_run(gate, rows, x, x_row, h, h_row, out, out_row, error) : GRU_OK;
    if (status == GRU_OK)
        status = needed_bytes(gate, rows, &needed, error);
    if (status != GRU_OK || rows == 0)
        return status;
    if (!workspace || workspace_bytes < needed)
        return gru_fail(error, workspace ? GRU_SMALL_MEMORY : GRU_NULL_POINTER,
                        "the workspace at %p has %zu bytes, but %zu rows need %zu", workspace, workspace_bytes, rows,
                        needed);

    struct block b = lay_out(gate, rows);
    float *memory = (float *)(void *)gru_align(workspace);
    for (size_t row = 0; row < rows; row += b.rows) {
        size_t count = gru_least(rows - row, b.rows);
        if (gate->w.length)
            run_product(gate, &gate->w, gate->faint_x, count, x + (ptrdiff_t)row * x_row, x_row, memory, b.x_row,
                        memory + b.ax, b.a_row);
        if (gate->u.length)
            run_product(gate, &gate->u, gate->faint_h, count, h + (ptrdiff_t)row * h_row, h_row, memory + b.h, b.h_row,
                        memory + b.ah, b.a_row);
        gate->backend->gate[gate->desc.tier](&(struct gru_gate_rows){
            .rows = count,
            .units = gate->desc.units,
            .activation = gate->desc.activation,
            .hard_alpha = gate->desc.hard_alpha,
            .hard_beta = gate->desc.hard_beta,
            .clip = gate->desc.clip,
            .ax = gate->w.length ? memory + b.ax : NULL,
            .ah = gate->u.length ? memory + b.ah : NULL,
            .a_row = b.a_row,
            .out = out + (ptrdiff_t)row * out_row,
            .out_row = out_row,
        });
    }
    return GRU_OK;
}
