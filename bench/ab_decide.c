/* SPDX-License-Identifier: BSD-2-Clause */
/* ab_decide.c: from per-round log ratios of many cells to a decision. */
#include "ab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* At the level of a look, 0.999, two of them lie beyond the bound; with far fewer it would hang on a single one. */
enum { RESAMPLES = 2000 };

/* Each after half as many rounds again, so that nothing goes on for much longer than it must. Not before twelve: the
 * median of fewer takes too few values for its resamples to show the spread. */
const size_t ab_looks[AB_LOOKS] = {12, 18, 27, 40, 60, 90, 135, 200, 300, AB_ROUNDS_MAX};

/* The median by selection: sorting was nine tenths of a look's time. Reorders the values. */
static double middle(double *values, size_t n)
{
    size_t low = 0, high = n - 1, wanted = n / 2;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        size_t i = low, k = high;
        for (;;) {
            for (; values[i] < pivot; i++)
                ;
            for (; values[k] > pivot; k--)
                ;
            if (i >= k)
                break;
            double kept = values[i];
            values[i++] = values[k];
            values[k--] = kept;
        }
        if (wanted <= k)
            high = k;
        else
            low = k + 1;
    }
    if (n % 2)
        return values[wanted];
    double below = values[0];
    for (size_t i = 1; i < wanted; i++)
        below = values[i] > below ? values[i] : below;
    return 0.5 * (below + values[wanted]);
}

/* Spread of a cell's median over the resamples. A floor keeps a cell whose rounds agree to the last bit from having
 * bounds of no width. */
static double spread_of(const double *medians, double centre)
{
    double square = 0.0;
    for (size_t i = 0; i < RESAMPLES; i++)
        square += (medians[i] - centre) * (medians[i] - centre);
    double spread = sqrt(square / RESAMPLES);
    return spread > 1e-5 ? spread : 1e-5;
}

/*
 * Bounds that hold for all cells at once. A round is drawn as a whole, for every cell, since what a round has in common
 * (its pages, its neighbours) is in all of its cells: cells that move together then cost less than as many strangers
 * would. Each resample gives the cells' deviations in units of their own spread; the largest of them is what a single
 * number has to cover in so many resamples, and that number times a cell's spread is its reach. Upwards and downwards
 * apart, as the resamples of few rounds lean to one side.
 */
void ab_bounds(struct ab_cell *cells, size_t count, size_t rounds, double level, struct random *random)
{
    double *scratch = take(rounds, sizeof *scratch);
    for (size_t c = 0; c < count; c++) {
        memcpy(scratch, cells[c].ratio, rounds * sizeof *scratch);
        cells[c].median = middle(scratch, rounds);
        cells[c].low = -HUGE_VAL;
        cells[c].high = HUGE_VAL;
    }
    /* The time may have been enough for one. */
    if (rounds < ab_looks[0]) {
        free(scratch);
        return;
    }
    double *medians = take(count * RESAMPLES, sizeof *medians);
    size_t *drawn = take(rounds, sizeof *drawn);
    for (size_t i = 0; i < RESAMPLES; i++) {
        for (size_t r = 0; r < rounds; r++)
            drawn[r] = random_below(random, rounds);
        for (size_t c = 0; c < count; c++) {
            for (size_t r = 0; r < rounds; r++)
                scratch[r] = cells[c].ratio[drawn[r]];
            medians[c * RESAMPLES + i] = middle(scratch, rounds);
        }
    }
    double up[RESAMPLES] = {0.0};
    double down[RESAMPLES] = {0.0};
    double spread[AB_CELLS_MAX];
    for (size_t c = 0; c < count; c++) {
        spread[c] = spread_of(medians + c * RESAMPLES, cells[c].median);
        for (size_t i = 0; i < RESAMPLES; i++) {
            double deviation = (medians[c * RESAMPLES + i] - cells[c].median) / spread[c];
            up[i] = deviation > up[i] ? deviation : up[i];
            down[i] = -deviation > down[i] ? -deviation : down[i];
        }
    }
    stats_sort(up, RESAMPLES);
    stats_sort(down, RESAMPLES);
    /* Crosswise: as far as resamples rise above the median, so far the median may have risen above the truth. */
    double reach_low = stats_quantile(up, RESAMPLES, level);
    double reach_high = stats_quantile(down, RESAMPLES, level);
    for (size_t c = 0; c < count; c++) {
        cells[c].low = cells[c].median - reach_low * spread[c];
        cells[c].high = cells[c].median + reach_high * spread[c];
    }
    free(medians);
    free(drawn);
    free(scratch);
}

enum ab_decision ab_decide(const struct ab_cell *cells, size_t count, double margin)
{
    bool inside = true;
    for (size_t c = 0; c < count; c++) {
        if (cells[c].low > margin || cells[c].high < -margin)
            return AB_CHANGED;
        inside &= cells[c].low > -margin && cells[c].high < margin;
    }
    return inside ? AB_SAME : AB_OPEN;
}
