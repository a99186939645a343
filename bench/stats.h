/* SPDX-License-Identifier: BSD-2-Clause */
/* stats.h: the statistics of a noisy machine: quantiles, bootstrap, rank test, correction for many cells. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include "util.h"

#include <stdbool.h>
#include <stddef.h>

struct interval {
    double low;
    double high;
};

void stats_sort(double *values, size_t n);

/* The q-quantile of sorted values, linear between neighbours (Hyndman and Fan's type 7). n is at least 1. */
double stats_quantile(const double *sorted, size_t n, double q);

/* The median; the values are sorted in place. */
double stats_median(double *values, size_t n);

/* The interval that covers the median of the distribution with at least `level`, free of its shape: order statistics
 * chosen from the binomial distribution. With too few values for the level it is the whole range. */
struct interval stats_median_interval(const double *sorted, size_t n, double level);

/* Percentile bootstrap of the ratio median(b) / median(a). */
struct interval stats_bootstrap_ratio(const double *a, size_t na, const double *b, size_t nb, double level,
                                      size_t resamples, struct random *random);

/* The Mann-Whitney U test: two-sided p of "the two come from one distribution". Exact without ties and up to 30
 * values a side, else by the normal approximation with ties and continuity corrected. */
double stats_mann_whitney(const double *a, size_t na, const double *b, size_t nb);

/* Holm's correction: adjusted[i] is the p of test i, valid for all n tests together. */
void stats_holm(const double *p, size_t n, double *adjusted);

/* P(X <= k) of a binomial distribution with probability 1/2. */
double stats_binomial_half(size_t n, size_t k);

/* Samples of one thing, those of quiet moments first; beyond the last they are lost. */
enum { STATS_SAMPLES = 1024 };
struct samples {
    size_t count;
    size_t quiet;
    double at[STATS_SAMPLES];
};
void samples_add(struct samples *samples, double value, bool quiet);
/* Of quiet samples, unless there were next to none: the median of fewer than five is any of them. */
double samples_median(struct samples *samples);

#endif
