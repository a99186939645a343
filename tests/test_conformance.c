/* SPDX-License-Identifier: BSD-2-Clause */
/* test_conformance.c: what other libraries computed, from their own arrays, against every back end. */
#include "vectors.h"

#include <math.h>
#include <string.h>

static void check_case(const vectors_case *c)
{
    double distance = vectors_distance(c, check_this());
    CHECK(distance <= c->tolerance, "%s: %.3g away, but %.3g is allowed", c->name, distance, c->tolerance);
}

static void check_file(const char *file)
{
    if (!vectors_each(file, check_case))
        SKIP("this build has no cJSON");
}

void test_conformance_pytorch(void)
{
    check_file("pytorch");
}

void test_conformance_keras(void)
{
    check_file("keras");
}

void test_conformance_onnxruntime(void)
{
    check_file("onnxruntime");
}

void test_conformance_onnx_node(void)
{
    check_file("onnx_node");
}

void test_conformance_openvino(void)
{
    check_file("openvino");
}

void test_conformance_onednn(void)
{
    check_file("onednn");
}

/* A mistake must show: four times the tolerance, so that it isn't the derivation of the tolerance that decides. */
static void check_mistake(const vectors_case *c, const char *mistake)
{
    double distance = vectors_distance(c, check_scalar());
    CHECK(distance > 4.0 * c->tolerance, "%s: with %s it is only %.3g away, and %.3g is allowed", c->name, mistake,
          distance, c->tolerance);
}

static void swap_gates(gru_weights *weights)
{
    gru_weights old = *weights;
    weights->w[GRU_R] = old.w[GRU_Z], weights->w[GRU_Z] = old.w[GRU_R];
    weights->u[GRU_R] = old.u[GRU_Z], weights->u[GRU_Z] = old.u[GRU_R];
    weights->bx[GRU_R] = old.bx[GRU_Z], weights->bx[GRU_Z] = old.bx[GRU_R];
    weights->bh[GRU_R] = old.bh[GRU_Z], weights->bh[GRU_Z] = old.bh[GRU_R];
}

/*
 * Makes each mistake that a case can show, one at a time. ONNX's own nodes have equal weights everywhere or a single
 * step from a state of zeros, and with one unit U (r * h) is r * (U h): there a reset's mistakes can't show.
 */
static void check_mistakes(const vectors_case *c)
{
    vectors_case wrong = *c;
    wrong.desc.update = GRU_UPDATE_REPLACE;
    check_mistake(&wrong, "the other update");
    if (strncmp(c->name, "test_gru_", 9) != 0 && c->desc.hidden > 1) {
        wrong = *c;
        swap_gates(&wrong.weights[0]);
        check_mistake(&wrong, "r and z swapped");
        wrong = *c;
        wrong.desc.reset = c->desc.reset == GRU_RESET_AFTER ? GRU_RESET_BEFORE : GRU_RESET_AFTER;
        check_mistake(&wrong, "the other reset");
    }
    wrong = *c;
    if (c->desc.direction == GRU_BIDIRECTIONAL) {
        wrong.weights[0] = c->weights[1], wrong.weights[1] = c->weights[0];
        check_mistake(&wrong, "the directions swapped");
    } else if (c->io.steps > 1) {
        wrong.desc.direction = c->desc.direction == GRU_FORWARD ? GRU_REVERSE : GRU_FORWARD;
        check_mistake(&wrong, "the other direction");
    }
    wrong = *c;
    if (c->io.state.h0 != NULL) {
        wrong.io.state.h0 = NULL;
        check_mistake(&wrong, "no h0");
    }
    wrong = *c;
    if (c->io.lengths != NULL) {
        wrong.io.lengths = NULL;
        check_mistake(&wrong, "no lengths");
    }
    wrong = *c;
    if (c->desc.clip > 0.0f) {
        wrong.desc.clip = 0.0f;
        check_mistake(&wrong, "no clip");
    }
    wrong = *c;
    if (c->desc.gates == GRU_GATES_HARD_SIGMOID) {
        wrong.desc.gates = GRU_GATES_SIGMOID;
        check_mistake(&wrong, "sigmoid for hard sigmoid");
    }
}

void test_conformance_mistakes(void)
{
    static const char *const files[] = {"pytorch", "keras", "onnxruntime", "onnx_node", "openvino", "onednn"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (!vectors_each(files[i], check_mistakes))
            SKIP("this build has no cJSON");
    }
}
