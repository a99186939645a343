/* SPDX-License-Identifier: BSD-2-Clause */
/* activation.c: sigmoid, tanh and the fused update over the caller's arrays. */
#include "backend.h"
#include "status.h"

/* Whether `out` is an array that isn't `in` but shares bytes with it. */
static int overlaps(const float *in, const float *out, size_t count)
{
    uintptr_t a = (uintptr_t)in, b = (uintptr_t)out, bytes = count * sizeof(float);
    return a != b && (a < b ? b - a < bytes : a - b < bytes);
}

static enum gru_status check_array(const char *function, const char *name, size_t count, const float *in,
                                   const float *out, gru_error *error)
{
    if (!in || !out)
        return gru_fail(error, GRU_NULL_POINTER, "%s: %s is NULL", function, in ? "the output" : name);
    if (count > (size_t)PTRDIFF_MAX / sizeof(float))
        return gru_fail(error, GRU_OVERFLOW, "%s: an array of %zu floats fits in no memory", function, count);
    if (overlaps(in, out, count))
        return gru_fail(error, GRU_OVERLAP,
                        "%s: the output begins %td floats from %s, whose %zu floats it would overwrite", function,
                        out - in, name, count);
    return GRU_OK;
}

static enum gru_status check_activation(const char *function, const gru_backend *backend, enum gru_tier tier,
                                        size_t count, const float *x, const float *y, gru_error *error)
{
    if (!backend)
        return gru_fail(error, GRU_NULL_POINTER, "%s: backend is NULL; gru_backend_find finds one", function);
    if ((unsigned)tier >= GRU_TIERS)
        return gru_fail(error, GRU_BAD_ENUM, "%s: tier is %d, and there is none above %d", function, (int)tier,
                        GRU_TIERS - 1);
    enum gru_status status = gru_backend_check_tier(backend, tier, error);
    return status == GRU_OK && count ? check_array(function, "x", count, x, y, error) : status;
}

enum gru_status gru_sigmoid(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x, float *y,
                            gru_error *error)
{
    enum gru_status status = check_activation("gru_sigmoid", backend, tier, count, x, y, error);
    if (status == GRU_OK && count)
        backend->sigmoid[tier](count, x, y);
    return status;
}

enum gru_status gru_tanh(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x, float *y,
                         gru_error *error)
{
    enum gru_status status = check_activation("gru_tanh", backend, tier, count, x, y, error);
    if (status == GRU_OK && count)
        backend->tanh[tier](count, x, y);
    return status;
}

enum gru_status gru_update_blend(const gru_backend *backend, enum gru_update update, size_t count, const float *z,
                                 const float *h, const float *n, float *out, gru_error *error)
{
    if (!backend)
        return gru_fail(error, GRU_NULL_POINTER, "gru_update_blend: backend is NULL; gru_backend_find finds one");
    if (update != GRU_UPDATE_KEEP && update != GRU_UPDATE_REPLACE)
        return gru_fail(error, GRU_BAD_ENUM,
                        "gru_update_blend: update is %d, not GRU_UPDATE_KEEP or GRU_UPDATE_REPLACE", (int)update);
    if (!count)
        return GRU_OK;
    enum gru_status status = check_array("gru_update_blend", "z", count, z, out, error);
    if (status == GRU_OK)
        status = check_array("gru_update_blend", "h", count, h, out, error);
    if (status == GRU_OK)
        status = check_array("gru_update_blend", "n", count, n, out, error);
    if (status == GRU_OK)
        backend->blend(update, count, z, h, n, out);
    return status;
}
