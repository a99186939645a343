/* SPDX-License-Identifier: BSD-2-Clause */
/* svg.h: plots as inline SVG, with logarithmic axes or a linear series of runs; colours and fonts are classes of the
 * page's style sheet. */
#ifndef BENCH_SVG_H
#define BENCH_SVG_H

#include <stddef.h>
#include <stdio.h>

enum { SVG_SERIES = 10 };

struct svg {
    FILE *out;
    double width, height;            /* of the whole picture */
    double left, top, right, bottom; /* of the plot's frame */
    double x_low, x_high, y_low, y_high;
    int linear; /* both axes; else both are logarithmic */
};

/* Text with &, <, > and quotes made harmless. */
void svg_text(FILE *out, const char *text);

void svg_begin(struct svg *svg, FILE *out, double width, double height, const char *title);
void svg_end(struct svg *svg);

/* Axes: limits are widened to whole ticks (1, 2, 5 of each decade, or powers of two for `octaves`). */
void svg_axes(struct svg *svg, double x_low, double x_high, double y_low, double y_high, int octaves,
              const char *x_title, const char *y_title);
/* Linear axes for a series of runs 0 .. n - 1, with the labels of so many of them as have room. */
void svg_axes_runs(struct svg *svg, const char *const *labels, size_t n, double y_low, double y_high,
                   const char *y_title);
double svg_x(const struct svg *svg, double x);
double svg_y(const struct svg *svg, double y);

/* A line through points, of series 0 .. SVG_SERIES - 1: each has its own colour and dashes. */
void svg_line(struct svg *svg, const double *x, const double *y, size_t n, int series, int thin);
/* A mark with a tooltip: each series has its own shape, so that it can be told without colours. */
void svg_mark(struct svg *svg, double x, double y, int series, const char *tip);
void svg_vertical(struct svg *svg, double x, const char *label);
void svg_label(struct svg *svg, double px, double py, const char *anchor, const char *text);
/* Along a line from one point to another, just above it, starting so many units after the first. */
void svg_label_along(struct svg *svg, const double x[2], const double y[2], double after, const char *text);
void svg_legend(struct svg *svg, int row, int series, const char *text);

#endif
