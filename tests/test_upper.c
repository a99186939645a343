/* SPDX-License-Identifier: BSD-2-Clause */
/* test_upper.c: no function returns with the upper halves of vector registers in use, which would slow the caller's SSE
 * code. */
#include "rig.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* XINUSE, as xgetbv reads it with 1: bit 2 is the upper halves of ymm0-15, bit 6 those of zmm0-15. */
enum { UPPER = 1 << 2 | 1 << 6 };

static bool has_xinuse(void)
{
    unsigned a, b, c, d;
    if (__get_cpuid_max(0, 0) < 13) {
        return false;
    }
    __cpuid(1, a, b, c, d);
    if ((c & 1u << 27) == 0 || (c & 1u << 28) == 0) {
        return false;
    }
    __cpuid_count(13, 1, a, b, c, d);
    return (a & 4) != 0;
}

/* Only ever called after has_xinuse; the assembler's name for it may be too new, so it is spelt out. */
static unsigned xinuse(void)
{
    unsigned low, high;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(1));
    return low;
}

static void zero_upper(void)
{
    __asm__ volatile(".byte 0xc5, 0xf8, 0x77" ::: "memory"); /* vzeroupper */
}

/* vpcmpeqd ymm0, ymm0, ymm0: the test's own proof that it can see a dirty register. */
static void set_upper(void)
{
    __asm__ volatile(".byte 0xc5, 0xfd, 0x76, 0xc0" ::: "xmm0");
}

static void check_calls(rig *r, float *y)
{
    const gru_backend *backend = r->shape.desc.backend;
    enum gru_tier tier = r->shape.desc.tier;
    static const float x[64] = {0.5f, -2.0f};
    static unsigned char workspace[1 << 16];
    gru_gate *gate = NULL;
    gru_layer *layer = NULL;
    gru_gate_desc desc = {.size = sizeof desc, .units = 9, .inputs = 4, .states = 3, .backend = backend, .tier = tier,
                          .activation = GRU_ACTIVATION_SIGMOID, .w = {x, 4, 1}, .u = {x, 3, 1}};
    size_t n = check_below(41);
    unsigned used[9];
    zero_upper();
    gru_layer_create(&layer, &r->shape.desc, r->views, NULL, NULL);
    used[0] = xinuse();
    gru_run(r->layer, &r->io, r->workspace, r->workspace_bytes, NULL);
    used[1] = xinuse();
    gru_run(r->layer, &r->io, r->workspace, 1, NULL);
    used[2] = xinuse();
    gru_layer_repack(r->layer, r->views, NULL);
    used[3] = xinuse();
    gru_sigmoid(backend, tier, n, x, y, NULL);
    used[4] = xinuse();
    gru_tanh(backend, tier, n, x, y, NULL);
    used[5] = xinuse();
    gru_update_blend(backend, GRU_UPDATE_KEEP, n, x, x, x, y, NULL);
    used[6] = xinuse();
    gru_gate_create(&gate, &desc, NULL, NULL);
    used[7] = xinuse();
    gru_gate_run(gate, 3, x, 4, x, 3, y, 9, workspace, sizeof workspace, NULL);
    used[8] = xinuse();
    gru_gate_destroy(gate);
    gru_layer_destroy(layer);
    for (size_t i = 0; i < 9; i++) {
        CHECK((used[i] & UPPER) == 0, "%s: after call %zu XINUSE is %x", rig_text(&r->shape), i, used[i]);
    }
}

void test_upper_halves(void)
{
    float y[64];
    if (!has_xinuse()) {
        SKIP("this CPU doesn't tell which registers are in use");
    }
    zero_upper();
    unsigned clean = xinuse();
    set_upper();
    unsigned dirty = xinuse();
    zero_upper();
    if ((clean & UPPER) != 0 || (dirty & UPPER) == 0) {
        SKIP("this CPU, or what emulates it, doesn't track which registers are in use");
    }
    for (size_t i = 0; i < 300; i++) {
        rig_shape shape = rig_random(check_this(), 30, 70, 4, 9);
        rig r = rig_make(&shape, NULL);
        if (r.layer != NULL) {
            rig_run(&r, NULL);
            check_calls(&r, y);
        }
        rig_free(&r);
        guarded_free_all();
    }
}

#else

void test_upper_halves(void)
{
    SKIP("only x86 has upper halves");
}

#endif
