/* SPDX-License-Identifier: BSD-2-Clause */
/* peer.h: what a measured implementation offers, and the protocol by which bench/peers/run drives it. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>

/* A cell with its data: weights in rows per unit, gates r, z, n; biases bx and bh per gate; time-major x. */
struct peer_cell {
    size_t input, hidden, batch, steps, threads;
    bool before;                  /* reset before the product: biases are one per gate, bh is zero */
    const float *w, *u, *bx, *bh; /* [3][H][I], [3][H][H], [3][H], [3][H] */
    const float *x;               /* [T][B][I] */
    const float *h0;              /* [B][H] */
    float *h;                     /* [B][H]: the last state */
    float *y;                     /* [T][B][H], wanted if T > 1 */
};

struct peer {
    /* Packs the weights: NULL, or why the cell can't be done. */
    const char *(*open)(const struct peer_cell *cell);
    /* One call: T steps of B rows, from h0 to h (and y). With T = 1, each call may go on from the last state. */
    void (*run)(void);
    void (*close)(void);
    /* Optional: 1 if the core's other thread is quiet now. */
    int (*quiet)(void);
};

/*
 * Serves requests, one a line on stdin, answers one a line on stdout:
 *   open INPUT HIDDEN BATCH STEPS THREADS after|before FILE   -> ok | no REASON
 *   check FILE             runs once, writes h as raw floats  -> ok
 *   time NS                runs at least that long            -> NS_PER_STEP CALLS
 *   quiet                                                     -> 1 | 0
 *   close                                                     -> ok
 * FILE of `open` holds w, u, bx, bh, x, h0 as raw floats, one after the other.
 */
int peer_serve(const struct peer *peer);

#endif
