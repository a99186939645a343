/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.c: memory between unreadable pages, with canaries in what its own pages have left. */
#include "runner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CANARY 0xc7

typedef struct guarded {
    struct guarded *next;
    unsigned char *mapping; /* a guard page, the pages, a guard page */
    size_t mapped;
    unsigned char *data;
    size_t bytes;
} guarded;

static guarded *all;

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static guarded *find(const void *buffer)
{
    guarded *g = all;
    while (g != NULL && g->data != buffer) {
        g = g->next;
    }
    if (g == NULL) {
        fprintf(stderr, "gru-tests: a buffer that guarded_bytes didn't give\n");
        abort();
    }
    return g;
}

void *guarded_bytes(size_t bytes, enum guard_side side, size_t offset)
{
    size_t page = page_size(), pages = (bytes + offset + page - 1) / page + (bytes + offset == 0);
    guarded *g = malloc(sizeof *g);
    size_t mapped = (pages + 2) * page;
    int outside = runner_options.no_guards ? PROT_READ : PROT_NONE;
    void *mapping = mmap(NULL, mapped, outside, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g == NULL || mapping == MAP_FAILED || mprotect((char *)mapping + page, pages * page, PROT_READ | PROT_WRITE)) {
        fprintf(stderr, "gru-tests: no memory for a guarded buffer of %zu bytes\n", bytes);
        abort();
    }
    unsigned char *low = (unsigned char *)mapping + page, *high = low + pages * page;
    unsigned char *data = side == GUARD_BEFORE ? low + offset : high - offset - bytes;
    memset(low, CANARY, pages * page);
    memset(data, 0xa5, bytes);
    *g = (guarded){all, mapping, mapped, data, bytes};
    all = g;
    return data;
}

float *guarded_floats(size_t n, enum guard_side side, size_t offset)
{
    float *data = guarded_bytes(n * sizeof(float), side, offset * sizeof(float));
    memset(data, 0xff, n * sizeof(float));
    return data;
}

void guarded_freeze(const void *buffer)
{
    guarded *g = find(buffer);
    size_t page = page_size();
    if (mprotect(g->mapping + page, g->mapped - 2 * page, PROT_READ) != 0) {
        fprintf(stderr, "gru-tests: a guarded buffer can't be made read-only\n");
        abort();
    }
}

static bool intact(const guarded *g)
{
    size_t page = page_size();
    const unsigned char *low = g->mapping + page, *high = g->mapping + g->mapped - page;
    for (const unsigned char *p = low; p < high; p++) {
        bool inside = p >= g->data && p < g->data + g->bytes;
        if (inside) {
            p = g->data + g->bytes - 1;
        } else if (*p != CANARY) {
            return CHECK(false, "a buffer of %zu bytes: byte %td was written", g->bytes, p - g->data);
        }
    }
    return true;
}

bool guarded_check(const void *buffer)
{
    return intact(find(buffer));
}

void guarded_describe(const void *address, char *text, size_t size)
{
    const unsigned char *at = address;
    const guarded *g = all;
    while (g != NULL && (at < g->mapping || at >= g->mapping + g->mapped)) {
        g = g->next;
    }
    if (g == NULL) {
        snprintf(text, size, " at %p, in no guarded buffer", address);
    } else {
        snprintf(text, size, " at %p, byte %td of a guarded buffer of %zu", address, at - g->data, g->bytes);
    }
}

void guarded_free(const void *buffer)
{
    guarded *g = find(buffer), **link = &all;
    while (*link != g) {
        link = &(*link)->next;
    }
    *link = g->next;
    intact(g);
    munmap(g->mapping, g->mapped);
    free(g);
}

void guarded_free_all(void)
{
    while (all != NULL) {
        guarded_free(all->data);
    }
}
