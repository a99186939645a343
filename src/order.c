/* SPDX-License-Identifier: BSD-2-Clause */
/* order.c: rows by falling length, so that those alive at a step are always the first ones. */
#include "order.h"

/* Lets the row at `root` sink in a heap whose top is the shortest. */
static void sink(size_t *heap, size_t root, size_t count, const size_t *lengths)
{
    size_t row = heap[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && lengths[heap[child + 1]] < lengths[heap[child]])
            child++;
        if (lengths[row] <= lengths[heap[child]])
            break;
        heap[root] = heap[child];
    }
    heap[root] = row;
}

static int falls(const size_t *lengths, size_t rows)
{
    for (size_t i = 1; i < rows; i++)
        if (lengths[i] > lengths[i - 1])
            return 0;
    return 1;
}

void gru_order_rows(size_t rows, size_t steps, const size_t *lengths, size_t *order, size_t *sorted)
{
    for (size_t i = 0; i < rows; i++)
        order[i] = i;
    /* A heap sort: the C library's qsort may allocate. Its shortest goes last, so lengths fall. */
    if (lengths && !falls(lengths, rows)) {
        for (size_t root = rows / 2; root-- > 0;)
            sink(order, root, rows, lengths);
        for (size_t last = rows; last-- > 1;) {
            size_t shortest = order[0];
            order[0] = order[last];
            order[last] = shortest;
            sink(order, 0, last, lengths);
        }
    }
    for (size_t i = 0; i < rows; i++)
        sorted[i] = lengths ? lengths[order[i]] : steps;
}

size_t gru_order_alive(const size_t *sorted, size_t rows, size_t step)
{
    if (sorted[rows - 1] > step)
        return rows;
    size_t low = 0, high = rows - 1; /* row `high` has ended */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] > step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
