/* SPDX-License-Identifier: BSD-2-Clause */
/* memory.h: where the memory of layers, gates and teams comes from. */
#ifndef GRU_MEMORY_H
#define GRU_MEMORY_H

#include <gru.h>

/*
 * `bytes` of memory aligned to `alignment` (a power of two), with any content, for an object that messages call `name`.
 * `bytes` may be zero. Without an allocator, or with one that is all zeros, it comes from the C library, and from 1 MiB
 * on from the system in whole huge pages where there are any. (All zeros, so that an object can keep its allocator by
 * value whatever it was given.)
 */
enum gru_status gru_allocate(void **memory, const gru_allocator *allocator, size_t bytes, size_t alignment,
                             const char *name, gru_error *error);

/* Gives memory back: with the allocator and the byte count that it came with. `memory` may be NULL. */
void gru_release(const gru_allocator *allocator, void *memory, size_t bytes);

#endif
