/* SPDX-License-Identifier: BSD-2-Clause */
/* svg.c: plots with logarithmic axes as inline SVG. */
#include "svg.h"

#include "util.h"

#include <math.h>
#include <string.h>

void svg_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *safe = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : *text == '"' ? "&quot;" : NULL;
        if (safe)
            fputs(safe, out);
        else
            fputc(*text, out);
    }
}

void svg_begin(struct svg *svg, FILE *out, double width, double height, const char *title)
{
    *svg = (struct svg){.out = out, .width = width, .height = height,
                        .left = 70, .top = 16, .right = width - 190, .bottom = height - 48};
    fprintf(out, "<svg viewBox='0 0 %.0f %.0f' role='img' aria-label='", width, height);
    svg_text(out, title);
    fputs("'>\n", out);
}

void svg_end(struct svg *svg)
{
    fputs("</svg>\n", svg->out);
}

double svg_x(const struct svg *svg, double x)
{
    return svg->left + (svg->right - svg->left) * log(x / svg->x_low) / log(svg->x_high / svg->x_low);
}

double svg_y(const struct svg *svg, double y)
{
    return svg->bottom - (svg->bottom - svg->top) * log(y / svg->y_low) / log(svg->y_high / svg->y_low);
}

void svg_label(struct svg *svg, double px, double py, const char *anchor, const char *text)
{
    fprintf(svg->out, "<text x='%.1f' y='%.1f' text-anchor='%s'>", px, py, anchor);
    svg_text(svg->out, text);
    fputs("</text>\n", svg->out);
}

/* The tick at or below (or the next one above) a value. */
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
    for (double x = svg->x_low; x <= svg->x_high * 1.001; x = tick_after(x, octaves)) {
        fprintf(svg->out, "<path class='grid' d='M%.1f %.1fV%.1f'/>\n", svg_x(svg, x), svg->top, svg->bottom);
        char text[32];
        snprintf(text, sizeof text, "%g", x);
        svg_label(svg, svg_x(svg, x), svg->bottom + 16, "middle", text);
    }
    for (double y = svg->y_low; y <= svg->y_high * 1.001; y = tick_after(y, 0)) {
        fprintf(svg->out, "<path class='grid' d='M%.1f %.1fH%.1f'/>\n", svg->left, svg_y(svg, y), svg->right);
        char text[32];
        snprintf(text, sizeof text, "%g", y);
        svg_label(svg, svg->left - 6, svg_y(svg, y) + 4, "end", text);
    }
    fprintf(svg->out, "<path class='axis' d='M%.1f %.1fV%.1fH%.1f'/>\n", svg->left, svg->top, svg->bottom, svg->right);
    svg_label(svg, 0.5 * (svg->left + svg->right), svg->bottom + 38, "middle", x_title);
    fprintf(svg->out, "<text class='title' transform='translate(16 %.1f) rotate(-90)' text-anchor='middle'>",
            0.5 * (svg->top + svg->bottom));
    svg_text(svg->out, y_title);
    fputs("</text>\n", svg->out);
}

void svg_line(struct svg *svg, const double *x, const double *y, size_t n, int series, int thin)
{
    fprintf(svg->out, "<path class='line s%d%s' d='", series % SVG_SERIES, thin ? " thin" : "");
    for (size_t i = 0; i < n; i++)
        fprintf(svg->out, "%s%.1f %.1f", i ? "L" : "M", svg_x(svg, x[i]), svg_y(svg, y[i]));
    fputs("'/>\n", svg->out);
}

/* Shapes about the origin, 4 units in radius. */
static const char *const shapes[SVG_SERIES] = {
    "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1 -4 0", "M-4 -4H4V4H-4Z", "M0 -5L5 4H-5Z", "M0 -5L5 0L0 5L-5 0Z", "M-4 -4L4 4M-4 4L4 -4",
    "M0 5L5 -4H-5Z", "M-5 0H5M0 -5V5", "M-2 -5H2V5H-2Z", "M-5 -2H5V2H-5Z", "M0 -5L2 -1L5 0L2 1L0 5L-2 1L-5 0L-2 -1Z"};

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
