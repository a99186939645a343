/* SPDX-License-Identifier: BSD-2-Clause */
/* memory.c: aligned memory from the C library, or from the system in huge pages when it is large. */
#define _GNU_SOURCE 1 /* MAP_ANONYMOUS, madvise */
#include "memory.h"

#include "status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/*
 * The huge page of x86-64, and of AArch64 with 4 KiB pages. Where huge pages have another size or don't exist, large
 * blocks are merely well aligned.
 */
#define HUGE_PAGE ((size_t)2 << 20)

/*
 * From half a huge page on, a block gets huge pages: below that most of the page would be wasted, and a block that
 * small is covered by a second-level TLB of 1,024 or more entries anyway. The size alone decides, since gru_release has
 * nothing else to tell the two kinds of memory apart.
 */
#define LARGE (HUGE_PAGE / 2)

static bool comes_from_library(size_t bytes)
{
    return bytes < LARGE;
}

/* A large block occupies whole huge pages, so that its last part is on one as well. */
static size_t whole_pages(size_t bytes)
{
    return (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

/*
 * A mapping of its own, and not posix_memalign with madvise: memory that the C library hands out again may already
 * be backed by small pages, which stay, so a layer's speed would depend on what the program freed before.
 */
static void *map_large(size_t bytes, size_t alignment)
{
    if (alignment < HUGE_PAGE)
        alignment = HUGE_PAGE;
    if (bytes > SIZE_MAX / 4 || alignment > SIZE_MAX / 4)
        return NULL;
    const size_t kept = whole_pages(bytes), mapped = kept + alignment;
    unsigned char *base = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    const size_t before = (size_t)(-(uintptr_t)base & (alignment - 1)), after = alignment - before;
    unsigned char *memory = base + before;
    if (before)
        munmap(base, before);
    munmap(memory + kept, after);
#ifdef MADV_HUGEPAGE
    /* Advice: a system that doesn't know it gives small pages, and nothing but speed is lost. */
    madvise(memory, kept, MADV_HUGEPAGE);
#endif
    return memory;
}

static bool is_default(const gru_allocator *allocator)
{
    return !allocator || !allocator->allocate;
}

static void *allocate(const gru_allocator *allocator, size_t bytes, size_t alignment)
{
    if (!is_default(allocator))
        return allocator->allocate(allocator->context, bytes, alignment);
    if (!comes_from_library(bytes))
        return map_large(bytes, alignment);
    void *memory;
    if (alignment < sizeof(void *))
        alignment = sizeof(void *); /* the least that posix_memalign accepts */
    return posix_memalign(&memory, alignment, bytes ? bytes : 1) ? NULL : memory;
}

enum gru_status gru_allocate(void **memory, const gru_allocator *allocator, size_t bytes, size_t alignment,
                             const char *name, gru_error *error)
{
    /* An allocator with one function of the two would only fail later, at the first release. */
    if (allocator && !allocator->allocate != !allocator->release)
        return gru_fail(error, GRU_NULL_POINTER, "of the allocator's two functions one is NULL");
    *memory = allocate(allocator, bytes, alignment);
    if (!*memory)
        return gru_fail(error, GRU_NO_MEMORY, "no memory for a %s of %zu bytes", name, bytes);
    if ((uintptr_t)*memory % alignment == 0)
        return GRU_OK;
    gru_fail(error, GRU_BAD_ALIGNMENT, "the allocator's memory for a %s, at %p, isn't aligned to %zu bytes", name,
             *memory, alignment);
    gru_release(allocator, *memory, bytes);
    return GRU_BAD_ALIGNMENT;
}

void gru_release(const gru_allocator *allocator, void *memory, size_t bytes)
{
    if (!memory)
        return;
    if (!is_default(allocator))
        allocator->release(allocator->context, memory, bytes);
    else if (comes_from_library(bytes))
        free(memory);
    else
        munmap(memory, whole_pages(bytes));
}
