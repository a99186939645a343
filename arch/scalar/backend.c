/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.c: the back end of plain C. */

/* A tile is one chain, written out as the design states it: this is the definition, not one more tiling. */
#define TILE_PLAIN

#include "vec.h"

#define BACKEND scalar
#define BACKEND_NEEDS 0

/* On x86 SLEEF's scalar functions with FMA in their name need its instructions. */
#if defined(__x86_64__)
#define BACKEND_SLEEF_NEEDS (GRU_CPU_AVX2 | GRU_CPU_FMA)
#else
#define BACKEND_SLEEF_NEEDS 0
#endif

#include "../../src/kernels/table.h"
