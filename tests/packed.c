/* SPDX-License-Identifier: BSD-2-Clause */
/* packed.c: matrices as kernels read them. */
#include "packed.h"

#include "check.h"

float *packed_numbers(size_t n)
{
    float *array = guarded_floats(n, GUARD_AFTER, 0);
    check_fill(array, n, -1.0f, 1.0f);
    return array;
}

struct gru_product packed_matrix(const gru_backend *backend, bool pads, size_t units, size_t length, size_t gates,
                                 const float *weights, const float *bias)
{
    size_t bytes = 0, whole = (units + backend->lanes - 1) / backend->lanes * backend->lanes;
    size_t room = pads ? whole : units;
    if (!CHECK(gru_product_bytes(room, length, gates, backend->lanes, &bytes), "%zu units by %zu fit", units, length)) {
        return (struct gru_product){0};
    }
    void *memory = guarded_bytes(bytes, GUARD_AFTER, 0);
    struct gru_product product = gru_product_place(memory, room, length, gates, backend->lanes);
    for (size_t g = 0; g < gates; g++) {
        gru_matrix matrix = {weights + g * units * length, (ptrdiff_t)length, 1};
        gru_product_pack(&product, backend->lanes, g, units, matrix, (gru_vector){bias + g * units, 1});
    }
    guarded_freeze(memory);
    return product;
}

size_t packed_at(const gru_backend *backend, size_t gates, size_t g, size_t j)
{
    return j / backend->lanes * gates * backend->lanes + g * backend->lanes + j % backend->lanes;
}

size_t packed_groups(const gru_backend *backend, size_t units)
{
    return (units + backend->lanes - 1) / backend->lanes;
}
