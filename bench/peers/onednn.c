/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * onednn.c: oneDNN's GRU primitives through the C API, 2.x or 3.x, at their best: weights reordered once into the
 * layout that the primitive asks for, states and outputs in the caller's memory, one primitive executed a call.
 */
#include "peer.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

static struct peer_cell cell;
static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_primitive_t primitive;
static dnnl_memory_t memories[7];
static dnnl_exec_arg_t arguments[7];
static float *plain[3];
static const char *failure;

/* The first refusal is remembered, and what follows from it does no harm: a cell that can't be done is an answer. */
static void must(dnnl_status_t status)
{
    if (status != dnnl_success && !failure)
        failure = "oneDNN refuses";
}

/* What differs between the two APIs: descriptors are structs in 2.x and handles in 3.x, which also has no descriptor
 * of an operation besides that of its primitive. `desc_ref` is what functions take. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t desc_ref;

static desc_ref describe(int count, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t desc = NULL;
    must(dnnl_memory_desc_create_with_tag(&desc, count, dims, dnnl_f32, tag));
    return desc;
}

static void release(desc_ref desc)
{
    dnnl_memory_desc_destroy((dnnl_memory_desc_t)(size_t)desc);
}

static dnnl_primitive_desc_t gru_desc(desc_ref x, desc_ref h, desc_ref w, desc_ref u, desc_ref bias, desc_ref y)
{
    dnnl_primitive_desc_t desc = NULL;
    must((cell.before ? dnnl_gru_forward_primitive_desc_create : dnnl_lbr_gru_forward_primitive_desc_create)(
        &desc, engine, dnnl_forward_inference, dnnl_unidirectional_left2right, x, h, w, u, bias, y, h, 0, NULL));
    return desc;
}
#else
typedef const dnnl_memory_desc_t *desc_ref;

static desc_ref describe(int count, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t *desc = calloc(1, sizeof *desc);
    must(dnnl_memory_desc_init_by_tag(desc, count, dims, dnnl_f32, tag));
    return desc;
}

static void release(desc_ref desc)
{
    free((void *)(size_t)desc);
}

static dnnl_primitive_desc_t gru_desc(desc_ref x, desc_ref h, desc_ref w, desc_ref u, desc_ref bias, desc_ref y)
{
    dnnl_rnn_desc_t rnn;
    dnnl_primitive_desc_t desc = NULL;
    must((cell.before ? dnnl_gru_forward_desc_init : dnnl_lbr_gru_forward_desc_init)(
        &rnn, dnnl_forward_inference, dnnl_unidirectional_left2right, x, h, w, u, bias, y, h, 0));
    must(dnnl_primitive_desc_create(&desc, &rnn, NULL, engine, NULL));
    return desc;
}
#endif

/* Gates in oneDNN's order u (our z), r, o (our n), with the inputs outermost: [K][3][H]. */
static float *reorder_gates(const float *from, size_t inputs)
{
    static const size_t order[] = {1, 0, 2};
    size_t H = cell.hidden;
    float *to = malloc(3 * H * inputs * sizeof *to);
    for (size_t k = 0; k < inputs; k++)
        for (size_t g = 0; g < 3; g++)
            for (size_t j = 0; j < H; j++)
                to[(k * 3 + g) * H + j] = from[(order[g] * H + j) * inputs + k];
    return to;
}

/* The linear-before-reset primitive keeps the candidate's recurrent bias apart, as a fourth. */
static float *join_biases(void)
{
    size_t H = cell.hidden;
    float *to = malloc(4 * H * sizeof *to);
    for (size_t j = 0; j < H; j++) {
        to[j] = cell.bx[H + j] + cell.bh[H + j];
        to[H + j] = cell.bx[j] + cell.bh[j];
        to[2 * H + j] = cell.bx[2 * H + j];
        to[3 * H + j] = cell.bh[2 * H + j];
    }
    return to;
}

static dnnl_memory_t wrap(desc_ref desc, const float *data)
{
    dnnl_memory_t memory = NULL;
    must(dnnl_memory_create(&memory, desc, engine, data ? (void *)(size_t)data : DNNL_MEMORY_ALLOCATE));
    return memory;
}

/* Memory of the layout that the primitive chose, filled from the plain one. */
static dnnl_memory_t packed(desc_ref from_desc, const float *from, desc_ref to_desc)
{
    dnnl_memory_t source = wrap(from_desc, from);
    dnnl_memory_t target = wrap(to_desc, NULL);
    dnnl_primitive_desc_t reorder_desc = NULL;
    dnnl_primitive_t reorder = NULL;
    must(dnnl_reorder_primitive_desc_create(&reorder_desc, from_desc, engine, to_desc, engine, NULL));
    must(dnnl_primitive_create(&reorder, reorder_desc));
    dnnl_exec_arg_t both[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, target}};
    must(dnnl_primitive_execute(reorder, stream, 2, both));
    must(dnnl_stream_wait(stream));
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(reorder_desc);
    dnnl_memory_destroy(source);
    return target;
}

static const char *onednn_open(const struct peer_cell *opened)
{
    cell = *opened;
    failure = NULL;
    if (!engine) {
        must(dnnl_engine_create(&engine, dnnl_cpu, 0));
        must(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    }
    dnnl_dim_t T = (dnnl_dim_t)cell.steps, B = (dnnl_dim_t)cell.batch, I = (dnnl_dim_t)cell.input,
               H = (dnnl_dim_t)cell.hidden;
    desc_ref x = describe(3, (dnnl_dims_t){T, B, I}, dnnl_tnc);
    desc_ref y = describe(3, (dnnl_dims_t){T, B, H}, dnnl_tnc);
    desc_ref h = describe(4, (dnnl_dims_t){1, 1, B, H}, dnnl_ldnc);
    desc_ref w_plain = describe(5, (dnnl_dims_t){1, 1, I, 3, H}, dnnl_ldigo);
    desc_ref u_plain = describe(5, (dnnl_dims_t){1, 1, H, 3, H}, dnnl_ldigo);
    desc_ref w_any = describe(5, (dnnl_dims_t){1, 1, I, 3, H}, dnnl_format_tag_any);
    desc_ref u_any = describe(5, (dnnl_dims_t){1, 1, H, 3, H}, dnnl_format_tag_any);
    desc_ref bias = describe(4, (dnnl_dims_t){1, 1, cell.before ? 3 : 4, H}, dnnl_ldgo);
    dnnl_primitive_desc_t desc = gru_desc(x, h, w_any, u_any, bias, y);
    if (failure)
        return failure;
    must(dnnl_primitive_create(&primitive, desc));
    plain[0] = reorder_gates(cell.w, cell.input);
    plain[1] = reorder_gates(cell.u, cell.hidden);
    plain[2] = join_biases();
    desc_ref w = dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    desc_ref u = dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 1);
    memories[0] = wrap(x, cell.x);
    /* Not in place, which 3.x takes and then computes something else. */
    memories[1] = wrap(h, cell.h0);
    memories[2] = packed(w_plain, plain[0], w);
    memories[3] = packed(u_plain, plain[1], u);
    memories[4] = wrap(bias, plain[2]);
    memories[5] = wrap(y, cell.y);
    memories[6] = wrap(h, cell.h);
    static const int names[] = {DNNL_ARG_SRC_LAYER, DNNL_ARG_SRC_ITER,  DNNL_ARG_WEIGHTS_LAYER, DNNL_ARG_WEIGHTS_ITER,
                                DNNL_ARG_BIAS,      DNNL_ARG_DST_LAYER, DNNL_ARG_DST_ITER};
    for (int i = 0; i < 7; i++)
        arguments[i] = (dnnl_exec_arg_t){names[i], memories[i]};
    dnnl_primitive_desc_destroy(desc);
    desc_ref all[] = {x, y, h, w_plain, u_plain, w_any, u_any, bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        release(all[i]);
    return failure;
}

static void onednn_run(void)
{
    /* Unchecked: the same call has been checked by its result before anything is timed. */
    dnnl_primitive_execute(primitive, stream, 7, arguments);
    dnnl_stream_wait(stream);
}

static void onednn_close(void)
{
    for (int i = 0; i < 7; i++) {
        dnnl_memory_destroy(memories[i]);
        memories[i] = NULL;
    }
    for (int i = 0; i < 3; i++) {
        free(plain[i]);
        plain[i] = NULL;
    }
    dnnl_primitive_destroy(primitive);
    primitive = NULL;
}

int main(void)
{
    const struct peer peer = {onednn_open, onednn_run, onednn_close, NULL};
    return peer_serve(&peer);
}
