/* SPDX-License-Identifier: BSD-2-Clause */
/* progress.c: one line on stderr with the estimated time left, on a terminal only. */
#include "progress.h"

#include "clock.h"

#include <stdio.h>
#include <unistd.h>

void progress_start(struct progress *progress, const char *what, size_t total)
{
    *progress = (struct progress){.what = what, .total = total, .start = clock_seconds(), .terminal = isatty(2)};
}

void progress_at(struct progress *progress, double share, const char *detail)
{
    double now = clock_seconds();
    /* Ten times a second: a terminal's answer takes time of the run. In a file or a pipe the line would be rubbish. */
    if (!progress->terminal || now - progress->shown < 0.1 || share <= 0.0)
        return;
    progress->shown = now;
    double left = (now - progress->start) * (1.0 - share) / share;
    fprintf(stderr, "\r\033[K%s: %.0f %%, about %.0f s left  %s", progress->what, 100.0 * share, left, detail);
}

void progress_step(struct progress *progress, const char *detail)
{
    progress->done++;
    progress_at(progress, (double)progress->done / (double)progress->total, detail);
}

void progress_end(struct progress *progress)
{
    if (progress->terminal)
        fputs("\r\033[K", stderr);
}
