/* SPDX-License-Identifier: BSD-2-Clause */
/* order.h: rows by falling length, so that those alive at a step are always the first ones. */
#ifndef GRU_ORDER_H
#define GRU_ORDER_H

#include <stddef.h>

/* Fills order[rows] with 0 .. rows - 1 such that lengths[order[i]] falls, and sorted[i] with that length. Without
 * lengths all are `steps`. No memory is allocated, and time is at most of the order of rows log rows. */
void gru_order_rows(size_t rows, size_t steps, const size_t *lengths, size_t *order, size_t *sorted);

/* How many rows have a length of more than `step`; there is at least one row. */
size_t gru_order_alive(const size_t *sorted, size_t rows, size_t step);

#endif
