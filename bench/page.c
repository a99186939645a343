/* SPDX-License-Identifier: BSD-2-Clause */
/* page.c: the frame of the HTML pages: no script, nothing from elsewhere; light and dark. */
#include "page.h"

#include "svg.h"

/* Series differ in colour, dashes and marks, so that the page also prints in black and white. The colours are those
 * of Okabe and Ito, which colour-blind readers can tell apart. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--soft:#d9d9d9;--heat:#0072b2}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--paper:#16181b;--soft:#3a3d42;--heat:#56b4e9}"
    ".s0{stroke:#5ab4ea!important}.s6{stroke:#a58ad0!important}.s7{stroke:#c08a7d!important}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;margin:2rem auto;"
    "padding:0 1rem}p{max-width:62rem}\n"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}\n"
    /* On a narrow screen a plot scrolls sideways, since its text would be too small to read. */
    "svg{display:block;width:100%;min-width:44rem;max-width:62rem;height:auto;font:12px system-ui,sans-serif}\n"
    "svg text{fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}\n"
    ".grid{stroke:var(--soft);stroke-width:.6;fill:none}.axis{stroke:var(--ink);fill:none}\n"
    ".mark-line{stroke:var(--ink);stroke-dasharray:2 4;fill:none}\n"
    ".line{fill:none;stroke-width:1.8}.thin{stroke-width:.9;stroke-dasharray:3 3!important;opacity:.75}\n"
    ".mark{fill:var(--paper);stroke-width:1.6}.heat{fill:var(--heat);stroke:var(--soft)}\n"
    ".s0{stroke:#0072b2}.s1{stroke:#d55e00;stroke-dasharray:8 3}.s2{stroke:#009e73;stroke-dasharray:5 2 1 2}"
    ".s3{stroke:#cc79a7;stroke-dasharray:2 2}.s4{stroke:#b8860b;stroke-dasharray:10 2 2 2}"
    ".s5{stroke:#56b4e9;stroke-dasharray:4 4}.s6{stroke:#7b5ea7;stroke-dasharray:1 "
    "2}.s7{stroke:#8c564b}.s8{stroke:#888}"
    ".s9{stroke:var(--ink)}.mark{stroke-dasharray:none}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px}\n"
    "th,td{text-align:right;padding:.2rem .42rem;border-bottom:1px solid "
    "var(--soft)}th:first-child,td:first-child{text-align:"
    "left}td{white-space:nowrap}th{vertical-align:bottom}\n";

void page_begin(FILE *out, const char *title)
{
    fputs("<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
          "<meta name='viewport' content='width=device-width,initial-scale=1'>\n<title>",
          out);
    svg_text(out, title);
    fputs("</title>\n<style>\n", out);
    fputs(style, out);
    fputs("</style>\n</head>\n<body>\n<h1>", out);
    svg_text(out, title);
    fputs("</h1>\n", out);
}

void page_end(FILE *out)
{
    fputs("</body>\n</html>\n", out);
}
