/* SPDX-License-Identifier: BSD-2-Clause */
/* test_kernels.c: the kernels of each back end, called directly, equal those of the scalar one bit for bit. */
#include "check.h"
#include "packed.h"

#include <string.h>

/* Layers reach these kernels too, but only with the sizes that a run cuts; here each meets every size on its own. */

enum { MOST = 70, LONGEST = 150 };

static float *draw(size_t n)
{
    float *array = packed_numbers(n);
    for (size_t i = 0; i < n; i += 1 + check_below(20)) {
        array[i] = check_float_of((uint32_t)check_random());
    }
    return array;
}

void test_kernels_clean(void)
{
    for (size_t n = 0; n <= MOST; n++) {
        size_t rows = 1 + check_below(3), to_row = n + check_below(3), from_row = n + check_below(3);
        size_t all = (rows - 1) * to_row + n;
        float *from = draw((rows - 1) * from_row + n), *got = guarded_floats(all, GUARD_AFTER, check_below(16)),
              *want = guarded_floats(all, GUARD_AFTER, 0);
        guarded_freeze(from);
        memset(got, 0, all * sizeof(float));
        memset(want, 0, all * sizeof(float));
        check_this()->clean(got, to_row, from, (ptrdiff_t)from_row, rows, n);
        check_scalar()->clean(want, to_row, from, (ptrdiff_t)from_row, rows, n);
        CHECK_BITS(got, want, all, "%zu rows of %zu elements", rows, n);
        guarded_free_all();
    }
}

static void check_product(size_t units, size_t length, size_t gates, size_t rows)
{
    const gru_backend *backends[2] = {check_scalar(), check_this()};
    const float *weights = packed_numbers(gates * units * length), *bias = packed_numbers(gates * units);
    size_t x_row = length + check_below(5);
    const float *x = packed_numbers(rows * x_row);
    float *dense[2];
    for (int i = 0; i < 2; i++) {
        const gru_backend *b = backends[i];
        size_t groups = packed_groups(b, units), out_row = groups * gates * b->lanes;
        struct gru_product product = packed_matrix(b, check_below(2), units, length, gates, weights, bias);
        product.far |= (int)check_below(2); /* a small matrix of a large layer fetches, too */
        float *out = guarded_floats(rows * out_row, GUARD_AFTER, 0);
        size_t middle = check_below(groups + 1); /* in two calls, as two slices of a pool would */
        b->product(&product, rows, x, x_row, 0, middle, out, out_row);
        b->product(&product, rows, x, x_row, middle, groups, out, out_row);
        dense[i] = guarded_floats(rows * gates * units, GUARD_AFTER, 0);
        for (size_t k = 0; k < rows * gates * units; k++) {
            size_t row = k / (gates * units), g = k / units % gates, j = k % units;
            dense[i][k] = out[row * out_row + packed_at(b, gates, g, j)];
        }
    }
    CHECK_BITS(dense[1], dense[0], rows * gates * units, "%zu units by %zu, %zu gates, %zu rows", units, length, gates,
               rows);
    guarded_free_all();
}

void test_kernels_product(void)
{
    for (size_t units = 1; units <= MOST; units++) {
        for (size_t gates = 1; gates <= GRU_MAX_GATES; gates++) {
            check_product(units, 1 + check_below(MOST), gates, 1 + check_below(20));
        }
    }
    for (size_t length = 1; length <= MOST; length++) {
        check_product(1 + check_below(MOST), length, 1 + check_below(GRU_MAX_GATES), 1);
    }
    for (size_t rows = 0; rows <= 40; rows++) {
        check_product(1 + check_below(MOST), 1 + check_below(20), 1 + rows % 3, rows);
    }
    check_product(300, 3, 3, 2);
    /* So many inputs go in blocks even of one lane. */
    check_product(3, 16500, 3, 3);
    /* A matrix too large for a cache, and rows enough: tiles fetch weights ahead, of one input none. */
    check_product(90, 1000, 3, 20);
    check_product(90000, 1, 3, 8);
    /* Groups that are multiples of 4 KiB of each back end, which have gaps between them; of whole groups the last too. */
    for (size_t gates = 2; gates <= GRU_MAX_GATES; gates++) {
        for (size_t rows = 1; rows <= 17; rows += 8) {
            check_product(MOST, check_this()->lanes < 8 ? 1024 : 128, gates, rows);
            check_product(2 * check_this()->lanes, check_this()->lanes < 8 ? 1024 : 128, gates, rows);
        }
    }
}

void test_kernels_arrays(void)
{
    for (size_t n = 0; n <= LONGEST; n++) {
        for (size_t tier = 0; tier < GRU_TIERS; tier++) {
            if (gru_backend_check_tier(check_this(), (enum gru_tier)tier, NULL) != GRU_OK) {
                continue;
            }
            float *x = draw(n), *got = guarded_floats(n, GUARD_AFTER, 0), *want = guarded_floats(n, GUARD_AFTER, 0);
            guarded_freeze(x);
            check_this()->sigmoid[tier](n, x, got);
            check_scalar()->sigmoid[tier](n, x, want);
            CHECK_BITS(got, want, n, "sigmoid of %zu, tier %zu", n, tier);
            check_this()->tanh[tier](n, x, got);
            check_scalar()->tanh[tier](n, x, want);
            CHECK_BITS(got, want, n, "tanh of %zu, tier %zu", n, tier);
        }
        float *in[3] = {draw(n), draw(n), draw(n)}, *got = guarded_floats(n, GUARD_AFTER, 0);
        float *want = guarded_floats(n, GUARD_AFTER, 0);
        for (int update = GRU_UPDATE_KEEP; update <= GRU_UPDATE_REPLACE; update++) {
            check_this()->blend((enum gru_update)update, n, in[0], in[1], in[2], got);
            check_scalar()->blend((enum gru_update)update, n, in[0], in[1], in[2], want);
            CHECK_BITS(got, want, n, "blend %d of %zu", update, n);
        }
        guarded_free_all();
    }
}

static void check_gate_rows(size_t units, size_t rows, enum gru_activation activation, size_t tier)
{
    size_t a_row = (units + 15) / 16 * 16, out_row = units + check_below(3);
    struct gru_gate_rows g = {.rows = rows,
                              .units = units,
                              .activation = activation,
                              .hard_alpha = 0.2f,
                              .hard_beta = 0.5f,
                              .clip = check_below(2) ? 0.5f : 0.0f,
                              .a_row = a_row,
                              .out_row = (ptrdiff_t)out_row};
    size_t kind = check_below(3), count = rows == 0 ? 0 : (rows - 1) * out_row + units;
    g.ax = kind == 1 ? NULL : draw(rows * a_row);
    g.ah = kind == 2 ? NULL : draw(rows * a_row);
    float *got = guarded_floats(count, GUARD_AFTER, 0), *want = guarded_floats(count, GUARD_AFTER, 0);
    g.out = got;
    check_this()->gate[tier](&g);
    g.out = want;
    check_scalar()->gate[tier](&g);
    CHECK_BITS(got, want, count, "%zu units, %zu rows, activation %d, tier %zu", units, rows, (int)activation, tier);
}

void test_kernels_gate(void)
{
    for (size_t units = 1; units <= MOST; units++) {
        for (size_t i = 0; i < 4; i++) {
            bool has = gru_backend_check_tier(check_this(), (enum gru_tier)i, NULL) == GRU_OK;
            check_gate_rows(units, check_below(5), (enum gru_activation)((units + i) % 4), has ? i : 0);
        }
        guarded_free_all();
    }
}
