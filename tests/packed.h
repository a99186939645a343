/* SPDX-License-Identifier: BSD-2-Clause */
/* packed.h: matrices as kernels read them, for tests that call kernels directly. */
#ifndef GRU_TESTS_PACKED_H
#define GRU_TESTS_PACKED_H

#include <stdbool.h>

#include "layer.h"

/* Numbers from -1 to 1 before a guard page, as clean as a layer's. */
float *packed_numbers(size_t n);

/* A packed matrix in memory whose exact end touches a guard page; its last group as narrow as it is, or padded. */
struct gru_product packed_matrix(const gru_backend *backend, bool pads, size_t units, size_t length, size_t gates,
                                 const float *weights, const float *bias);

/* Where unit j of gate g stands in a row of a product's output. */
size_t packed_at(const gru_backend *backend, size_t gates, size_t g, size_t j);

/* How many groups so many units are. */
size_t packed_groups(const gru_backend *backend, size_t units);

#endif
