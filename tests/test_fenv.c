/* SPDX-License-Identifier: BSD-2-Clause */
/* test_fenv.c: the caller's floating-point environment: used as it is, and left as it was. */
#include "fpu.h"
#include "rig.h"

#include <dlfcn.h>
#include <fenv.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int roundings[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

/* Everything that computes, once: a layer made, packed anew and run, a gate, the arrays. */
static void compute(rig *r, float *y)
{
    static const float x[40] = {0.5f, -0.5f, 1e-30f, 100.0f, -100.0f, 0x1p-62f, 0x1p-70f};
    const gru_backend *backend = r->shape.desc.backend;
    enum gru_tier tier = r->shape.desc.tier;
    gru_layer_repack(r->layer, r->views, NULL);
    rig_call(r);
    gru_sigmoid(backend, tier, 40, x, y, NULL);
    gru_tanh(backend, tier, 40, x, y, NULL);
    gru_update_blend(backend, GRU_UPDATE_KEEP, 40, x, y, x, y, NULL);
    gru_gate *gate = NULL;
    gru_gate_desc desc = {.size = sizeof desc, .units = 9, .inputs = 4, .backend = backend, .tier = tier,
                          .activation = GRU_ACTIVATION_TANH, .w = {x, 4, 1}};
    static unsigned char workspace[64 * 1024];
    if (gru_gate_create(&gate, &desc, NULL, NULL) == GRU_OK) {
        gru_gate_run(gate, 3, x, 4, NULL, 0, y, 9, workspace, sizeof workspace, NULL);
        gru_gate_destroy(gate);
    }
}

static size_t count_strange(const rig_floats *a)
{
    size_t count = 0;
    for (size_t i = 0; a->data != NULL && i < a->count; i++) {
        count += isfinite(a->data[i]) ? 0 : 1;
    }
    return count;
}

/* In each rounding mode, with and without flushing, no control bit changes, and what comes out is a number. */
void test_fenv_control(void)
{
    float y[64];
    for (size_t i = 0; i < 160; i++) {
        rig_shape shape = rig_random(check_this(), 30, 40, 4, 5);
        shape.indexed = false; /* a state that no row has would be counted as strange */
        rig r = rig_make(&shape, NULL);
        if (r.layer == NULL) {
            continue;
        }
        rig_run(&r, NULL);
        uint64_t start = fpu_control();
        fesetround(roundings[i % 4]);
        fpu_change(i % 8 >= 4 ? FPU_FLUSH : 0, 0);
        uint64_t before = fpu_control();
        compute(&r, y);
        uint64_t after = fpu_control();
        fesetround(FE_TONEAREST);
        fpu_change(0, i % 8 >= 4 ? FPU_FLUSH : 0);
        CHECK(before == after, "%s: the control was %llx and is %llx", rig_text(&shape), (unsigned long long)before,
              (unsigned long long)after);
        CHECK(fpu_control() == start, "the test itself leaves %llx", (unsigned long long)start);
        CHECK(count_strange(&r.y) + count_strange(&r.h) == 0, "%s, rounding %zu: not all are finite", rig_text(&shape), i % 4);
        rig_free(&r);
        guarded_free_all();
    }
}

/* Multiplied so that some become subnormal, some are just above or below what a layer reads as zero. */
static void shrink(rig_floats *a, size_t salt)
{
    static const float factors[] = {1.0f, 0x1p-38f, 0x1p-41f, 0x1p-61f, 0x1p-63f, 0x1p-100f, 0x1p-126f, 0x1p-140f};
    for (size_t i = 0; a->data != NULL && i < a->count; i++) {
        a->data[i] *= factors[(i * 7 + salt) % 8];
    }
}

/* A layer's result doesn't depend on whether subnormals are flushed or read as zero. */
void test_fenv_flushing(void)
{
    for (size_t i = 0; i < 160; i++) {
        rig_shape shape = rig_random(check_this(), 30, 40, 4, 5);
        rig plain = rig_make(&shape, NULL), flushed = rig_make(&shape, NULL);
        if (plain.layer == NULL || flushed.layer == NULL) {
            continue;
        }
        rig *both[] = {&plain, &flushed};
        for (size_t k = 0; k < 2; k++) {
            shrink(&both[k]->x, 1);
            shrink(&both[k]->h0, 2);
            for (size_t g = 0; g < 6 && i % 2; g++) {
                shrink(&both[k]->w[g / 3][g % 3], 3);
                shrink(&both[k]->u[g / 3][g % 3], 4);
                shrink(&both[k]->bx[g / 3][g % 3], 5);
            }
            fpu_change(k ? FPU_FLUSH : 0, 0);
            CHECK(gru_layer_repack(both[k]->layer, both[k]->views, NULL) == GRU_OK, "packed");
            CHECK(rig_run(both[k], NULL) == GRU_OK, "run");
            fpu_change(0, k ? FPU_FLUSH : 0);
        }
        rig_same(&flushed, &plain, "subnormals flushed");
        rig_free(&plain);
        rig_free(&flushed);
        guarded_free_all();
    }
}

/* --- Traps ----------------------------------------------------------------------------------------- */

/* A signalling NaN wherever nobody should read: one that enters arithmetic raises "invalid". */
static void set_traps_for_strays(rig *r)
{
    float *words = r->workspace;
    for (size_t i = 0; i < r->workspace_bytes / sizeof(float); i++) {
        uint32_t bits = 0x7fa5a5a5;
        memcpy(words + i, &bits, sizeof bits);
    }
}

/* Runs with traps on what ordinary data never does. What traps kills this child by SIGFPE. */
static int trap(void *context)
{
    const gru_backend *backend = check_this();
    (void)context;
    float y[512], x[512];
    signal(SIGFPE, SIG_DFL); /* the parent reports it */
    for (size_t i = 0; i < 200; i++) {
        rig_shape shape = rig_random(backend, 30, 40, 4, 5);
        rig r = rig_make(&shape, NULL);
        if (r.layer == NULL) {
            return 1;
        }
        rig_run(&r, NULL); /* outputs and an in-place state are filled */
        set_traps_for_strays(&r);
        /* Every exponent and both signs; then values at which exp would overflow. */
        for (size_t k = 0; k < 512; k++) {
            x[k] = check_float_of((uint32_t)(k % 255) << 23 | (uint32_t)(k / 256) << 31 | ((uint32_t)check_random() & 0x7fffff));
        }
        feclearexcept(FE_ALL_EXCEPT);
        if (feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) < 0) {
            return CHECK_CANNOT;
        }
        compute(&r, y);
        gru_sigmoid(backend, shape.desc.tier, i + 1, x, y, NULL);
        gru_tanh(backend, shape.desc.tier, i + 1, x + (512 - i - 1), y, NULL);
        fedisableexcept(FE_ALL_EXCEPT);
        rig_free(&r);
        guarded_free_all();
    }
    /* Some CPUs can't trap and say so only by not doing it. */
    return 0;
}

/* With invalid, divide-by-zero and overflow unmasked and ordinary data nothing traps, in lanes that are padding
 * neither. */
void test_fenv_traps(void)
{
    int status = check_child(trap, NULL);
    if (status == CHECK_CANNOT) {
        SKIP("this CPU can't trap");
    }
    CHECK(status == 0, "ordinary data trap: %d", status);
}

/* --- Loading --------------------------------------------------------------------------------------- */

/* The shared library that was built beside this program. */
static void *load(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    if (length <= 0) {
        return NULL;
    }
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    snprintf(slash, 64, "/../libgru.so.%d", GRU_ABI);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

/* A library that was linked with -ffast-math would set FTZ when it is loaded. */
void test_fenv_load(void)
{
    uint64_t before = fpu_control();
    uint32_t flags = fpu_flags();
    void *library = load();
    if (library == NULL) {
        SKIP("the shared library isn't where it is built");
    }
    CHECK(fpu_control() == before && fpu_flags() == flags, "loading changes the control from %llx to %llx",
          (unsigned long long)before, (unsigned long long)fpu_control());
    CHECK(dlclose(library) == 0, "it unloads");
    CHECK(fpu_control() == before, "unloading changes the control");
}
