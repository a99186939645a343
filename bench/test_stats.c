/* SPDX-License-Identifier: BSD-2-Clause */
/* test_stats.c: the statistics against known distributions and published tables, and the decision of `ab` on made-up
 * rounds. */
#include "ab.h"
#include "limits.h"
#include "stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int passed;
static int failed;

static void check(bool condition, const char *what)
{
    passed += condition;
    failed += !condition;
    if (!condition)
        printf("FAILED: %s\n", what);
}

static bool near(double got, double want, double tolerance)
{
    return fabs(got - want) <= tolerance;
}

static void test_quantiles(void)
{
    double values[] = {4.0, 1.0, 3.0, 2.0};
    check(near(stats_median(values, 4), 2.5, 0.0), "median of 1, 2, 3, 4");
    check(near(stats_quantile(values, 4, 0.25), 1.75, 1e-15), "type-7 quartile of 1, 2, 3, 4");
    check(near(stats_quantile(values, 4, 1.0), 4.0, 0.0), "the 1-quantile is the greatest value");
    check(near(stats_binomial_half(10, 2), 56.0 / 1024.0, 1e-12), "P(X <= 2) of B(10, 1/2)");
}

/* The classical table of order statistics: n = 10 gives the 2nd and 9th value, n = 20 the 6th and 15th, n = 6 the whole
 * range. */
static void test_median_interval(void)
{
    double values[20];
    for (int i = 0; i < 20; i++)
        values[i] = i + 1.0;
    struct interval ten = stats_median_interval(values, 10, 0.95);
    struct interval twenty = stats_median_interval(values, 20, 0.95);
    struct interval six = stats_median_interval(values, 6, 0.95);
    check(near(ten.low, 2.0, 0.0) && near(ten.high, 9.0, 0.0), "interval of 10 values");
    check(near(twenty.low, 6.0, 0.0) && near(twenty.high, 15.0, 0.0), "interval of 20 values");
    check(near(six.low, 1.0, 0.0) && near(six.high, 6.0, 0.0), "interval of 6 values");
}

/* Coverage over 2000 samples of a skewed distribution (log-normal, median 1): at least 95 %, less four standard
 * errors. */
static void test_coverage(void)
{
    struct random random = {7};
    int covered = 0;
    enum { TRIALS = 2000, N = 15 };
    for (int trial = 0; trial < TRIALS; trial++) {
        double values[N];
        for (int i = 0; i < N; i++)
            values[i] = exp(random_normal(&random));
        stats_sort(values, N);
        struct interval interval = stats_median_interval(values, N, 0.95);
        covered += interval.low <= 1.0 && interval.high >= 1.0;
    }
    check(covered >= TRIALS * 0.95 - 4.0 * sqrt(TRIALS * 0.05 * 0.95), "coverage of the median's interval");
}

static void test_bootstrap(void)
{
    struct random random = {11};
    int covered = 0;
    enum { TRIALS = 400, N = 20 };
    for (int trial = 0; trial < TRIALS; trial++) {
        double a[N], b[N];
        for (int i = 0; i < N; i++) {
            a[i] = 100.0 * exp(0.03 * random_normal(&random));
            b[i] = 110.0 * exp(0.03 * random_normal(&random));
        }
        struct interval interval = stats_bootstrap_ratio(a, N, b, N, 0.95, 500, &random);
        covered += interval.low <= 1.1 && interval.high >= 1.1;
    }
    /* The percentile bootstrap of a median is known to cover about its level; 91 % leaves room for chance. */
    check(covered >= TRIALS * 91 / 100 && covered < TRIALS, "coverage of the bootstrap of a ratio of medians");
}

/* Exact values: of 20 orders of 3 + 3 the most extreme two give 0.1; Mann and Whitney's table for 8 + 8 has
 * P(U <= 13) = 0.025, U = 13 being the 5 % point of the two-sided test. */
static void test_mann_whitney(void)
{
    const double low[] = {1.0, 2.0, 3.0};
    const double high[] = {4.0, 5.0, 6.0};
    check(near(stats_mann_whitney(low, 3, high, 3), 0.1, 1e-12), "U = 0 of 3 and 3");
    check(near(stats_mann_whitney(low, 3, low, 3), 1.0, 1e-9), "two equal samples");
    /* Ranks of the first: 1 2 3 4 5 9 11 14, whose sum 49 is U = 13. */
    const double first[] = {1, 2, 3, 4, 5, 9, 11, 14};
    const double second[] = {6, 7, 8, 10, 12, 13, 15, 16};
    double p = stats_mann_whitney(first, 8, second, 8);
    check(p <= 0.05 && p > 0.045, "U = 13 of 8 and 8 is just significant at 5 %");

    struct random random = {13};
    int rejected_exact = 0, rejected_large = 0, found = 0;
    enum { TRIALS = 1000, N = 40 };
    for (int trial = 0; trial < TRIALS; trial++) {
        double a[N], b[N], c[N];
        for (int i = 0; i < N; i++) {
            a[i] = exp(random_normal(&random));
            b[i] = exp(random_normal(&random));
            c[i] = 2.0 * exp(random_normal(&random));
        }
        rejected_exact += stats_mann_whitney(a, 12, b, 12) < 0.05;
        rejected_large += stats_mann_whitney(a, N, b, N) < 0.05;
        found += stats_mann_whitney(a, N, c, N) < 0.05;
    }
    check(rejected_exact <= 50 + 28 && rejected_exact >= 20, "5 % of equal samples are rejected, exact");
    check(rejected_large <= 50 + 28 && rejected_large >= 20, "5 % of equal samples are rejected, normal approximation");
    check(found > 800, "a shift by half a standard deviation and more is found");
}

/* The example of Holm's paper in four tests. */
static void test_holm(void)
{
    const double p[] = {0.01, 0.04, 0.03, 0.005};
    double adjusted[4];
    stats_holm(p, 4, adjusted);
    check(near(adjusted[0], 0.03, 1e-12) && near(adjusted[1], 0.06, 1e-12) && near(adjusted[2], 0.06, 1e-12) &&
              near(adjusted[3], 0.02, 1e-12),
          "Holm's correction of four tests");
}

/* Five quiet samples are enough to stand for all; four aren't. */
static void test_samples(void)
{
    static struct samples samples;
    for (int i = 0; i < 8; i++)
        samples_add(&samples, i % 2 ? 1.0 + i : 100.0, i % 2);
    check(samples.count == 8 && samples.quiet == 4 && near(samples_median(&samples), 54.0, 1e-12), "all samples count");
    samples_add(&samples, 3.0, true);
    check(samples.quiet == 5 && samples_median(&samples) < 100.0, "quiet samples alone count");
}

/* Nine cells' made-up rounds, with the weather that all share, noise and outliers of real ones; one may be slower.
 * Looked at as `ab` looks, until it is decided. */
static enum ab_decision made_up(double slower, size_t *rounds, struct random *random)
{
    enum { CELLS = 9 };
    static struct ab_cell cells[CELLS];
    enum ab_decision decision = AB_OPEN;
    *rounds = 0;
    for (size_t look = 0; look < AB_LOOKS && decision == AB_OPEN; look++) {
        for (; *rounds < ab_looks[look]; (*rounds)++) {
            double weather = 0.005 * random_normal(random);
            for (size_t c = 0; c < CELLS; c++) {
                double outlier = random_below(random, 20) == 0 ? 0.2 * random_normal(random) : 0.0;
                cells[c].ratio[*rounds] = weather + outlier + 0.015 * random_normal(random) + (c == 3 ? slower : 0.0);
            }
        }
        ab_bounds(cells, CELLS, *rounds, AB_LEVEL, random);
        decision = ab_decide(cells, CELLS, log(1.02));
    }
    return decision;
}

/* Here the truth is known, which no run on a real machine can say. */
static void test_ab(void)
{
    struct random random = {17};
    int same = 0, caught = 0;
    size_t rounds, most = 0;
    for (int trial = 0; trial < 50; trial++) {
        same += made_up(0.0, &rounds, &random) == AB_SAME;
        caught += made_up(log(1.05), &rounds, &random) == AB_CHANGED;
        most = rounds > most ? rounds : most;
    }
    check(same == 50, "a build against itself is the same");
    check(caught == 50, "a kernel slower by 5 % is caught");
    check(most <= 90, "and soon");
    check(made_up(-log(1.05), &rounds, &random) == AB_CHANGED, "a kernel faster by 5 % is seen too");
    struct ab_cell one = {.ratio = {0.5}};
    ab_bounds(&one, 1, 1, AB_LEVEL, &random);
    check(one.median > 0.49 && ab_decide(&one, 1, log(1.02)) == AB_OPEN, "of one round nothing is said");
}

/* A dent in the table is filled from the larger sets, and a cell that reads faster raises what lies around its size. */
static void test_limits(void)
{
    static struct limits limits = {.threads = 2, .backends = 1};
    struct limits_backend *backend = &limits.backend[0];
    *backend = (struct limits_backend){.name = "avx2", .lanes = 8, .peak_one = 40.0, .peak_all = 100.0, .reads = 4};
    static const double one[] = {200.0, 50.0, 90.0, 10.0};
    for (size_t i = 0; i < 4; i++)
        backend->read[i] =
            (struct limits_read){1000.0 * (double)(1 << i), {one[i], 1.0}, {24.0, 1.0}, .fed = i == 2 ? 30.0 : 8.0};
    limits_make_consistent(backend, 2);
    check(near(backend->peak_one, 50.0, 0.0), "a thread alone has at least its share of the peak");
    check(near(backend->read[1].one[PAGES_SMALL], 90.0, 0.0), "a dent is filled");
    check(near(backend->read[0].one[PAGES_SMALL], 200.0, 0.0), "what is greater stays");
    check(near(backend->read[3].one[PAGES_SMALL], 12.0, 0.0), "a thread alone reads at least its share");
    check(near(backend->read[0].fed, 30.0, 0.0), "the same of multiply-adds");
    check(near(backend->read[2].one[PAGES_HUGE], 30.0, 0.0), "loads alone are at least as fast");
    check(near(limits_fed_share(&limits, backend, 4000.0), 30.0 / 90.0, 1e-9), "of which they reach a share");
    check(!limits_raise(&limits, "avx2", 1, 4000.0, 80.0), "a slower cell raises nothing");
    check(near(limits_fed_share(&limits, backend, 4000.0), 80.0 / 90.0, 1e-9), "but what multiply-adds reach");
    check(!limits_raise(&limits, "neon", 1, 4000.0, 1e9), "nor does one of another back end");
    check(limits_raise(&limits, "avx2", 1, 6000.0, 120.0), "a faster one does");
    check(near(limits_bandwidth(&limits, backend, 1, 6000.0), 120.0, 1e-9), "to its own rate");
    check(limits_bandwidth(&limits, backend, 1, 2000.0) >= 120.0, "and smaller sets with it");
}

int main(void)
{
    test_quantiles();
    test_median_interval();
    test_coverage();
    test_bootstrap();
    test_mann_whitney();
    test_holm();
    test_samples();
    test_ab();
    test_limits();
    printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
