/* SPDX-License-Identifier: BSD-2-Clause */
/* page.h: a self-contained HTML page for plots: its head with the style sheet, and its end. */
#ifndef BENCH_PAGE_H
#define BENCH_PAGE_H

#include <stdio.h>

/* Up to and with the heading, which is the title. What is written in between uses the classes of the style sheet, and
 * nothing from elsewhere: a page is to be read years later, and from a mail. */
void page_begin(FILE *out, const char *title);
void page_end(FILE *out);

#endif
