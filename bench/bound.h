/* SPDX-License-Identifier: BSD-2-Clause */
/* bound.h: the limit of a cell on a machine, and what binds it. */
#ifndef BENCH_BOUND_H
#define BENCH_BOUND_H

#include "cell.h"
#include "limits.h"

/*
 * The limit of one step, in nanoseconds:
 *   T = 1     the greater of all multiply-adds at the FMA peak, and all weight bytes at the read bandwidth of a working
 *             set of that size;
 *   T > 1     the input half at the FMA peak (one GEMM over time), plus, of the recurrent half, the greater of its
 *             multiply-adds at the peak and its bytes at their bandwidth. Where the two halves go beside each
 *             other (src/kernels/ahead.h), a layer may be above it;
 *   kernels   the same for GEMV and GEMM; for arrays, the greatest of bytes read and written at the bandwidth, the
 *             function's additions, multiplications and fused multiply-adds at the FMA peak, and its divisions.
 * The bandwidth is that of loads alone; fed_ns takes the one that multiply-adds reach, of one thread.
 * It knows nothing of latency and activations, which bind small layers: those are estimated apart, only to say what
 * binds. A chain of H dependent multiply-adds takes H times their latency; activations cost what the library's own
 * kernels take an element.
 */
struct bound {
    double ns;
    double fed_ns;     /* the same where multiply-adds read the weights (limits_read.fed); 0: unknown */
    double bandwidth;  /* GB/s of the weights' working set */
    const char *binds; /* "FMA", "L1", "L2", "L3", "memory", "latency", "activations" */
};

/* What the limit of a layer's step, of GEMV and GEMM is made of: of T > 1 the input half apart. */
struct bound_work {
    double input; /* operations that have the FMA peak */
    double operations;
    double bytes; /* that are read beside those operations */
};
struct bound_work bound_work_of(const struct cell_spec *spec);

/* The limit at a peak (GFLOP/s) and a bandwidth (GB/s) measured otherwise. */
double bound_at(const struct cell_spec *spec, double peak, double bandwidth);

/* ns an element of sigmoid and tanh of a back end, as measured; 0 if unknown. */
struct activation_cost {
    double sigmoid;
    double tanh;
};

/* Raises the limits to what a cell has shown that took `ns` a step (limits_raise). Of a sequence of one row that is its
 * recurrent half in all of its time, since its halves may go beside each other. True if it was faster than loads alone
 * had been. */
bool bound_raise(struct limits *limits, const struct cell_spec *spec, double ns);

struct bound bound_of(const struct limits *limits, const struct limits_backend *backend,
                      const struct activation_cost *activations, const struct cell_spec *spec);

#endif
