/* SPDX-License-Identifier: BSD-2-Clause */
/* stats.c: quantiles, bootstrap, rank test, correction for many cells. */
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void stats_sort(double *values, size_t n)
{
    qsort(values, n, sizeof *values, ascending);
}

/* Linear between the two nearest values, the first being the 0 and the last the 1 quantile: what R and NumPy do unless
 * asked otherwise, so that others' tools find the same figure in our files. */
double stats_quantile(const double *sorted, size_t n, double q)
{
    double place = q * (double)(n - 1);
    size_t below = (size_t)place;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

double stats_median(double *values, size_t n)
{
    stats_sort(values, n);
    return stats_quantile(values, n, 0.5);
}

double stats_binomial_half(size_t n, size_t k)
{
    /* Terms by their logarithm: n choose k overflows from n = 1030 on. */
    double sum = 0.0;
    for (size_t i = 0; i <= k && i <= n; i++)
        sum += exp(lgamma((double)n + 1.0) - lgamma((double)i + 1.0) - lgamma((double)(n - i) + 1.0) -
                   (double)n * 0.6931471805599453);
    return sum < 1.0 ? sum : 1.0;
}

struct interval stats_median_interval(const double *sorted, size_t n, double level)
{
    /* The k-th value from below lies above the median with P(at most k of n fall below it); the largest k that leaves
     * half of 1 - level on each side. */
    double tail = 0.5 * (1.0 - level);
    size_t k = 0;
    double sum = 0.0;
    for (size_t i = 0; i < n / 2; i++) {
        sum += exp(lgamma((double)n + 1.0) - lgamma((double)i + 1.0) - lgamma((double)(n - i) + 1.0) -
                   (double)n * 0.6931471805599453);
        if (sum > tail)
            break;
        k = i;
    }
    return (struct interval){sorted[k], sorted[n - 1 - k]};
}

/* The bootstrap: what the ratio would have been with other runs of the same kind, of which the best picture at hand are
 * the runs themselves, drawn with replacement. Medians, since a mean would follow one disturbed run. */
static double resampled_median(const double *values, size_t n, double *scratch, struct random *random)
{
    for (size_t i = 0; i < n; i++)
        scratch[i] = values[random_below(random, n)];
    return stats_median(scratch, n);
}

struct interval stats_bootstrap_ratio(const double *a, size_t na, const double *b, size_t nb, double level,
                                      size_t resamples, struct random *random)
{
    double *scratch = take(na > nb ? na : nb, sizeof *scratch);
    double *ratios = take(resamples, sizeof *ratios);
    for (size_t i = 0; i < resamples; i++) {
        double before = resampled_median(a, na, scratch, random);
        ratios[i] = resampled_median(b, nb, scratch, random) / before;
    }
    stats_sort(ratios, resamples);
    double tail = 0.5 * (1.0 - level);
    struct interval interval = {stats_quantile(ratios, resamples, tail), stats_quantile(ratios, resamples, 1.0 - tail)};
    free(scratch);
    free(ratios);
    return interval;
}

/*
 * P(U <= u) without ties: the number of ways in which na of na + nb ranks give a rank sum, by the recurrence over the
 * largest rank, which is either a's (it beats all of b) or b's: f(i, j, u) = f(i-1, j, u-j) + f(i, j-1, u).
 */
static double exact_u_below(size_t na, size_t nb, size_t u)
{
    size_t width = na * nb + 1;
    double *row = take((na + 1) * width, sizeof *row); /* row[i * width + u] for the current j */
    for (size_t i = 0; i <= na; i++)
        row[i * width] = 1.0;
    for (size_t j = 1; j <= nb; j++)
        for (size_t i = 1; i <= na; i++)
            for (size_t v = width; v-- > 0;)
                row[i * width + v] += v >= j ? row[(i - 1) * width + v - j] : 0.0;
    /* Dividing by the total instead of a binomial coefficient keeps the rounding of both alike. */
    double below = 0.0;
    double total = 0.0;
    for (size_t v = 0; v < width; v++) {
        total += row[na * width + v];
        below += v <= u ? row[na * width + v] : 0.0;
    }
    free(row);
    return below / total;
}

struct ranked {
    double value;
    bool first;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->value;
    double y = ((const struct ranked *)b)->value;
    return (x > y) - (x < y);
}

double stats_mann_whitney(const double *a, size_t na, const double *b, size_t nb)
{
    size_t n = na + nb;
    struct ranked *all = take(n, sizeof *all);
    for (size_t i = 0; i < n; i++)
        all[i] = (struct ranked){i < na ? a[i] : b[i - na], i < na};
    qsort(all, n, sizeof *all, by_value);

    /* Equal values share the mean of their ranks; each heap of t of them takes t^3 - t from the variance below. */
    double rank_sum = 0.0;
    double ties = 0.0;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && all[end].value == all[i].value;)
            end++;
        double rank = 0.5 * (double)(i + 1 + end);
        double t = (double)(end - i);
        ties += t * t * t - t;
        for (size_t k = i; k < end; k++)
            rank_sum += all[k].first ? rank : 0.0;
    }
    free(all);

    double u = rank_sum - 0.5 * (double)na * (double)(na + 1);
    double other = (double)na * (double)nb - u;
    double smaller = u < other ? u : other;
    /* Counted exactly as far as that takes no time (30 against 30: 0.8 million additions); of ten runs a side
     * that don't overlap at all the normal distribution makes 1.8e-4, and it is 1.1e-5: a grid of 300 cells, corrected
     * for, would see nothing. */
    if (ties == 0.0 && na <= 30 && nb <= 30) {
        double p = 2.0 * exact_u_below(na, nb, (size_t)(smaller + 0.5));
        return p < 1.0 ? p : 1.0;
    }
    double mean = 0.5 * (double)na * (double)nb;
    double count = (double)n;
    double variance = (double)na * (double)nb / 12.0 * (count + 1.0 - ties / (count * (count - 1.0)));
    if (!(variance > 0.0))
        return 1.0;
    /* Half a step, since U moves in whole ones and the normal distribution doesn't. */
    double distance = mean - smaller - 0.5;
    return distance <= 0.0 ? 1.0 : erfc(distance / sqrt(2.0 * variance));
}

/*
 * Holm: the least of n p-values is held against n times itself, the next against n - 1 times, and so on, none below one
 * before it. Any false alarm among all cells then has the chance asked for, whatever the cells have to do with one
 * another, which those of one machine and one hour do. (Bonferroni's n times for each is valid too, and blinder.)
 */
void stats_holm(const double *p, size_t n, double *adjusted)
{
    bool *done = take(n, sizeof *done);
    double running = 0.0;
    for (size_t rank = 0; rank < n; rank++) {
        size_t least = n;
        for (size_t i = 0; i < n; i++)
            if (!done[i] && (least == n || p[i] < p[least]))
                least = i;
        double value = p[least] * (double)(n - rank);
        running = value > running ? value : running;
        adjusted[least] = running < 1.0 ? running : 1.0;
        done[least] = true;
    }
    free(done);
}

void samples_add(struct samples *samples, double value, bool quiet)
{
    if (samples->count == STATS_SAMPLES)
        return;
    samples->at[samples->count++] = value;
    if (!quiet)
        return;
    samples->at[samples->count - 1] = samples->at[samples->quiet];
    samples->at[samples->quiet++] = value;
}

double samples_median(struct samples *samples)
{
    return stats_median(samples->at, samples->quiet >= 5 ? samples->quiet : samples->count);
}
