/* SPDX-License-Identifier: BSD-2-Clause */
/* definition.h: the arithmetic of libgru once more, in plain C with fmaf, which a layer must equal bit for bit. */
#ifndef GRU_DEFINITION_H
#define GRU_DEFINITION_H

#include "problem.h"

/*
 * Solves a problem by the rules of the arithmetic: which operations, in which order, each rounded once. It shares
 * nothing with the library but the values of sigmoid and tanh, which it takes from the public array functions of
 * the scalar back end; their own tests say what those are worth.
 */
answer definition_solve(const problem *p);

/* What a layer reads in place of v: v, or +0 if it is smaller than 2^LEAST_EXPONENT in magnitude. */
float definition_read(float v);

#endif
