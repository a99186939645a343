/* SPDX-License-Identifier: BSD-2-Clause */
/* peer.c: the protocol of peers written in C. */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct peer_cell cell;
static float *data;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* All arrays are in one file, so that each peer, in whatever language, gets the very same numbers. */
static const char *read_data(const char *path)
{
    size_t h = cell.hidden;
    size_t sizes[] = {3 * h * cell.input, 3 * h * h, 3 * h, 3 * h, cell.steps * cell.batch * cell.input,
                      cell.batch * h};
    size_t total = 0;
    for (int i = 0; i < 6; i++)
        total += sizes[i];
    data = malloc(total * sizeof *data);
    cell.h = calloc(cell.batch * h, sizeof *cell.h);
    cell.y = calloc(cell.steps * cell.batch * h, sizeof *cell.y);
    FILE *file = fopen(path, "rb");
    if (!data || !cell.h || !cell.y || !file || fread(data, sizeof *data, total, file) != total)
        return "can't read the cell's data";
    fclose(file);
    const float **parts[] = {&cell.w, &cell.u, &cell.bx, &cell.bh, &cell.x, &cell.h0};
    const float *at = data;
    for (int i = 0; i < 6; i++) {
        *parts[i] = at;
        at += sizes[i];
    }
    memcpy(cell.h, cell.h0, cell.batch * h * sizeof *cell.h);
    return NULL;
}

static void open_cell(const struct peer *peer, const char *request)
{
    char reset[16], path[512];
    if (sscanf(request, "open %zu %zu %zu %zu %zu %15s %511s", &cell.input, &cell.hidden, &cell.batch, &cell.steps,
               &cell.threads, reset, path) != 7) {
        puts("no malformed request");
        return;
    }
    cell.before = strcmp(reset, "before") == 0;
    const char *why = read_data(path);
    why = why ? why : peer->open(&cell);
    if (why)
        printf("no %s\n", why);
    else
        puts("ok");
}

static void close_cell(const struct peer *peer)
{
    peer->close();
    free(data);
    free(cell.h);
    free(cell.y);
    cell = (struct peer_cell){0};
    puts("ok");
}

/* From h0 again, whatever was run before, since the last state is compared with libgru's. */
static void check(const struct peer *peer, const char *request)
{
    char path[512];
    FILE *file = sscanf(request, "check %511s", path) == 1 ? fopen(path, "wb") : NULL;
    memcpy(cell.h, cell.h0, cell.batch * cell.hidden * sizeof *cell.h);
    peer->run();
    bool good = file && fwrite(cell.h, sizeof *cell.h, cell.batch * cell.hidden, file) == cell.batch * cell.hidden;
    good = file && fclose(file) == 0 && good;
    puts(good ? "ok" : "no can't write the result");
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Blocks of calls of about 50 us, so that reading the clock doesn't count; the median block, so that an interrupt in
 * one of them doesn't either. Finding their number warms up meanwhile. */
static void measure(const struct peer *peer, double ns)
{
    enum { BLOCKS = 4096 };
    static double blocks[BLOCKS];
    size_t calls = 1;
    double spent = 0.0;
    for (;;) {
        double start = now_ns();
        for (size_t i = 0; i < calls; i++)
            peer->run();
        spent = now_ns() - start;
        if (spent > 50000.0)
            break;
        calls *= 2;
    }
    size_t n = 0;
    double end = now_ns() + ns;
    do {
        double start = now_ns();
        for (size_t i = 0; i < calls; i++)
            peer->run();
        blocks[n++] = (now_ns() - start) / (double)calls / (double)cell.steps;
    } while (now_ns() < end && n < BLOCKS);
    qsort(blocks, n, sizeof *blocks, ascending);
    printf("%.3f %zu\n", blocks[n / 2], n * calls);
}

int peer_serve(const struct peer *peer)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        if (strncmp(line, "open ", 5) == 0)
            open_cell(peer, line);
        else if (strncmp(line, "check ", 6) == 0)
            check(peer, line);
        else if (strncmp(line, "time ", 5) == 0)
            measure(peer, atof(line + 5));
        else if (strncmp(line, "quiet", 5) == 0)
            printf("%d\n", peer->quiet ? peer->quiet() : 1);
        else if (strncmp(line, "close", 5) == 0)
            close_cell(peer);
        else
            puts("no such request");
        /* Into a pipe stdout would keep the answer until there are 4 KiB of them, and the session waits for each. */
        fflush(stdout);
    }
    free(line);
    return 0;
}
