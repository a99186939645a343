/* SPDX-License-Identifier: BSD-2-Clause */
/* ab_decide.c: from per-round log ratios of many cells to a decision. */
#include "ab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RESAMPLES = 2000 };

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

void ab_bounds(struct ab_cell *cells, size_t count, size_t rounds, double level, struct random *random)
{
    double *medians = take(count * RESAMPLES, sizeof *medians);
    size_t *drawn = take(rounds, sizeof *drawn);
    double *scratch = take(rounds, sizeof *scratch);
    for (size_t c = 0; c < count; c++) {
        memcpy(scratch, cells[c].ratio, rounds * sizeof *scratch);
        cells[c].median = stats_median(scratch, rounds);
    }
    for (size_t i = 0; i < RESAMPLES; i++) {
        for (size_t r = 0; r < rounds; r++)
            drawn[r] = random_below(random, rounds);
        for (size_t c = 0; c < count; c++) {
            for (size_t r = 0; r < rounds; r++)
                scratch[r] = cells[c].ratio[drawn[r]];
            medians[c * RESAMPLES + i] = stats_median(scratch, rounds);
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
