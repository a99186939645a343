/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle.h: the textbook GRU in double, with a bound on how far a correct fp32 result may be from it. */
#ifndef GRU_ORACLE_H
#define GRU_ORACLE_H

#include "problem.h"

/* A value, and how far from it the library's may be. */
typedef struct estimate {
    double value;
    double error;
} estimate;

/* Shaped as answer is. */
typedef struct oracle_answer {
    estimate *y;
    estimate *last;
    estimate *gates[3];
} oracle_answer;

oracle_answer oracle_solve(const problem *p);

/* Checks an answer against the oracle's; NULL parts of it are left out. Returns the largest bound that was used, so
 * that a caller can see to it that the bounds mean something. */
double oracle_check(const problem *p, const oracle_answer *want, const answer *got, const char *what);

#endif
