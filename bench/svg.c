/* SPDX-License-Identifier: BSD-2-Clause */
/* svg.c: plots as inline SVG. */
#include "svg.h"

#include "util.h"

#include <math.h>
#include <string.h>

void svg_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *safe = *text == '&'   ? "&amp;"
                           : *text == '<' ? "&lt;"
                           : *text == '>' ? "&gt;"
                           : *text == '"' ? "&quot;"
                                          : NULL;
        if (safe)
            fputs(safe, out);
        else
            fputc(*text, out);
    }
}

void svg_begin(struct svg *svg, FILE *out, double width, double height, const char *title)
{
    /* Room for numbers on the left, the legend on the right, and numbers and a title below, at 12 px letters. */
    *svg = (struct svg){.out = out,
                        .width = width,
                        .height = height,
                        .left = 70,
                        .top = 16,
                        .right = width - 190,
                        .bottom = height - 48};
    fprintf(out, "<div class='scroll'><svg viewBox='0 0 %.0f %.0f' role='img' aria-label='", width, height);
    svg_text(out, title);
    fputs("'>\n", out);
}

void svg_end(struct svg *svg)
{
    fputs("</svg></div>\n", svg->out);
}

static double place(const struct svg *svg, double value, double low, double high)
{
    return svg->linear ? (value - low) / (high - low) : log(value / low) / log(high / low);
}

double svg_x(const struct svg *svg, double x)
{
    return svg->left + (svg->right - svg->left) * place(svg, x, svg->x_low, svg->x_high);
}

double svg_y(const struct svg *svg, double y)
{
    return svg->bottom - (svg->bottom - svg->top) * place(svg, y, svg->y_low, svg->y_high);
}

void svg_label(struct svg *svg, double px, double py, const char *anchor, const char *text)
{
    fprintf(svg->out, "<text x='%.1f' y='%.1f' text-anchor='%s'>", px, py, anchor);
    svg_text(svg->out, text);
    fputs("</text>\n", svg->out);
}

void svg_label_along(struct svg *svg, const double x[2], const double y[2], double after, const char *text)
{
    double from_x = svg_x(svg, x[0]), from_y = svg_y(svg, y[0]);
    double angle = atan2(svg_y(svg, y[1]) - from_y, svg_x(svg, x[1]) - from_x);
    fprintf(svg->out, "<text transform='translate(%.1f %.1f) rotate(%.1f) translate(%.1f -5)'>", from_x, from_y,
            angle * 57.29578, after);
    svg_text(svg->out, text);
    fputs("</text>\n", svg->out);
}

/* The tick at or below a value: powers of two, or 1, 2 and 5 times a power of ten. The logarithm of a tick itself may
 * come out a little low, hence 1e-9. */
static double tick_below(double value, int octaves)
{
    if (octaves)
        return exp2(floor(log2(value) + 1e-9));
    double decade = pow(10.0, floor(log10(value) + 1e-9));
    double digit = value / decade + 1e-9;
    return decade * (digit >= 5.0 ? 5.0 : digit >= 2.0 ? 2.0 : 1.0);
}

static double tick_after(double tick, int octaves)
{
    if (octaves)
        return 2.0 * tick;
    double decade = pow(10.0, floor(log10(tick) + 1e-9));
    double digit = tick / decade;
    return decade * (digit > 4.5 ? 10.0 : digit > 1.5 ? 5.0 : 2.0);
}

static double tick_above(double value, int octaves)
{
    double tick = tick_below(value, octaves);
    return tick < value * (1.0 - 1e-9) ? tick_after(tick, octaves) : tick;
}

/* A grid line at y, and its number. */
static void put_across(struct svg *svg, double y)
{
    fprintf(svg->out, "<path class='grid' d='M%.1f %.1fH%.1f'/>\n", svg->left, svg_y(svg, y), svg->right);
    char text[32];
    snprintf(text, sizeof text, "%g", fabs(y) < 1e-9 ? 0.0 : y);
    svg_label(svg, svg->left - 6, svg_y(svg, y) + 4, "end", text);
}

static void put_frame(struct svg *svg, const char *x_title, const char *y_title)
{
    fprintf(svg->out, "<path class='axis' d='M%.1f %.1fV%.1fH%.1f'/>\n", svg->left, svg->top, svg->bottom, svg->right);
    svg_label(svg, 0.5 * (svg->left + svg->right), svg->bottom + 38, "middle", x_title);
    fprintf(svg->out, "<text class='title' transform='translate(16 %.1f) rotate(-90)' text-anchor='middle'>",
            0.5 * (svg->top + svg->bottom));
    svg_text(svg->out, y_title);
    fputs("</text>\n", svg->out);
}

void svg_axes(struct svg *svg, double x_low, double x_high, double y_low, double y_high, int octaves,
              const char *x_title, const char *y_title)
{
    svg->x_low = tick_below(x_low, octaves);
    svg->x_high = tick_above(x_high, octaves);
    svg->y_low = tick_below(y_low, 0);
    svg->y_high = tick_above(y_high, 0);
    if (svg->x_high <= svg->x_low)
        svg->x_high = 2.0 * svg->x_low;
    if (svg->y_high <= svg->y_low)
        svg->y_high = 2.0 * svg->y_low;
    /* Ticks are made by multiplying, so the last may lie a rounding beyond the end. */
    for (double x = svg->x_low; x <= svg->x_high * 1.001; x = tick_after(x, octaves)) {
        fprintf(svg->out, "<path class='grid' d='M%.1f %.1fV%.1f'/>\n", svg_x(svg, x), svg->top, svg->bottom);
        char text[32];
        snprintf(text, sizeof text, "%g", x);
        svg_label(svg, svg_x(svg, x), svg->bottom + 16, "middle", text);
    }
    for (double y = svg->y_low; y <= svg->y_high * 1.001; y = tick_after(y, 0))
        put_across(svg, y);
    put_frame(svg, x_title, y_title);
}

void svg_axes_runs(struct svg *svg, const char *const *labels, size_t n, double y_low, double y_high,
                   const char *y_title)
{
    svg->linear = 1;
    svg->x_low = -0.5;
    svg->x_high = (double)n - 0.5;
    /* Steps of 1, 2 or 5 times a power of ten, four to ten of them. */
    double span = y_high > y_low ? y_high - y_low : 1.0;
    double step = pow(10.0, floor(log10(span / 4.0)));
    while (span / step > 9.0)
        step = tick_after(step, 0);
    svg->y_low = step * floor(y_low / step);
    svg->y_high = step * ceil((y_low + span) / step);
    for (double y = svg->y_low; y <= svg->y_high + 0.5 * step; y += step)
        put_across(svg, y);
    size_t each = n / 10 + 1; /* ten commits of twelve letters are what the width holds */
    for (size_t i = 0; i < n; i += each)
        svg_label(svg, svg_x(svg, (double)i), svg->bottom + 16, "middle", labels[i]);
    put_frame(svg, "", y_title);
}

void svg_line(struct svg *svg, const double *x, const double *y, size_t n, int series, int thin)
{
    fprintf(svg->out, "<path class='line s%d%s' d='", series % SVG_SERIES, thin ? " thin" : "");
    for (size_t i = 0; i < n; i++)
        fprintf(svg->out, "%s%.1f %.1f", i ? "L" : "M", svg_x(svg, x[i]), svg_y(svg, y[i]));
    fputs("'/>\n", svg->out);
}

/* Shapes about the origin, 4 units in radius. */
static const char *const shapes[SVG_SERIES] = {"M-4 0A4 4 0 1 1 4 0A4 4 0 1 1 -4 0",
                                               "M-4 -4H4V4H-4Z",
                                               "M0 -5L5 4H-5Z",
                                               "M0 -5L5 0L0 5L-5 0Z",
                                               "M-4 -4L4 4M-4 4L4 -4",
                                               "M0 5L5 -4H-5Z",
                                               "M-5 0H5M0 -5V5",
                                               "M-2 -5H2V5H-2Z",
                                               "M-5 -2H5V2H-5Z",
                                               "M0 -5L2 -1L5 0L2 1L0 5L-2 1L-5 0L-2 -1Z"};

static void place_shape(struct svg *svg, double px, double py, int series)
{
    fprintf(svg->out, "<path class='mark s%d' transform='translate(%.1f %.1f)' d='%s'>", series % SVG_SERIES, px, py,
            shapes[series % SVG_SERIES]);
}

void svg_mark(struct svg *svg, double x, double y, int series, const char *tip)
{
    place_shape(svg, svg_x(svg, x), svg_y(svg, y), series);
    fputs("<title>", svg->out);
    svg_text(svg->out, tip);
    fputs("</title></path>\n", svg->out);
}

void svg_vertical(struct svg *svg, double x, const char *label)
{
    if (x < svg->x_low || x > svg->x_high)
        return;
    fprintf(svg->out, "<path class='mark-line' d='M%.1f %.1fV%.1f'/>\n", svg_x(svg, x), svg->top, svg->bottom);
    /* To the side that has room. */
    bool late = svg_x(svg, x) > svg->right - 80.0;
    svg_label(svg, svg_x(svg, x) + (late ? -4.0 : 4.0), svg->top + 12, late ? "end" : "start", label);
}

void svg_legend(struct svg *svg, int row, int series, const char *text)
{
    double y = svg->top + 10 + 18 * row;
    double x = svg->right + 14;
    fprintf(svg->out, "<path class='line s%d' d='M%.1f %.1fh22'/>\n", series % SVG_SERIES, x, y);
    place_shape(svg, x + 11, y, series);
    fputs("</path>\n", svg->out);
    svg_label(svg, x + 28, y + 4, "start", text);
}
