/* SPDX-License-Identifier: BSD-2-Clause */
/* drive_way.c: draws a way to run a problem, and says which one it is. */
#include "drive.h"

way way_random(const problem *p, const gru_backend *backend)
{
    way w = {.backend = backend};
    w.batch_major = check_below(2) != 0;
    w.negative = check_below(3) == 0;
    w.direction_inside = check_below(2) != 0;
    w.gap = check_below(2) == 0 ? 0 : 1 + check_below(5);
    w.h0_gap = check_below(3);
    w.h_gap = check_below(3);
    w.reset_gap = check_below(3);
    w.gate_gap = check_below(3);
    w.gates_swapped = check_below(3) == 0;
    w.mask_gap = check_below(3);
    w.mask_swapped = check_below(3) == 0;
    w.half_gap = check_below(3);
    w.halves_swapped = check_below(3) == 0;
    w.weight_form = check_below(3);
    w.placed = check_below(3) == 0;
    w.repacked = check_below(4) == 0;
    w.in_place = check_below(2) != 0;
    w.indexed = check_below(3) == 0;
    w.odd = check_below(4) != 0;
    w.step_chunk = check_below(3) == 0 ? 1 + check_below(3) : 0;
    w.row_chunk = check_below(4) == 0 ? 1 + check_below(4) : 0;
    /* Without gates there are shorter ways, with all of them there is most to see. */
    const size_t unwanted = check_below(3) == 0 ? check_below(8) : 7 * check_below(2);
    for (int g = 0; g < 3; g++) {
        w.no_gate[g] = (unwanted >> g & 1) != 0;
    }
    /* Its two directions meet at opposite ends, and a computed order is that of one call. */
    if (p->directions == 2 || p->shape.computed_order) {
        w.step_chunk = 0;
    }
    return w;
}

void way_want_gates(way *w, bool wanted)
{
    for (int g = 0; g < 3; g++) {
        w->no_gate[g] = !wanted;
    }
}

const char *way_text(const way *w)
{
    static char text[400];
    snprintf(text, sizeof text,
             "%s%s%s%s, gap %zu +%zu +%zu +%zu, gates +%zu%s, mask +%zu%s, half gap %zu%s, weights "
             "%zu%s%s%s%s%s%s%s%s%s, %zu steps and %zu rows a call",
             w->backend ? gru_backend_name(w->backend) : "any", w->batch_major ? ", batch-major" : "",
             w->negative ? ", negative" : "", w->direction_inside ? ", direction inside" : "", w->gap, w->h0_gap,
             w->h_gap, w->reset_gap, w->gate_gap, w->gates_swapped ? " swapped" : "", w->mask_gap,
             w->mask_swapped ? " swapped" : "", w->half_gap, w->halves_swapped ? " swapped" : "", w->weight_form,
             w->placed ? ", placed" : "", w->repacked ? ", repacked" : "", w->in_place ? ", in place" : "",
             w->indexed ? ", indexed" : "", w->odd ? ", odd" : "", w->pool ? ", pool" : "",
             w->no_gate[PROBLEM_RESET] ? ", no r" : "", w->no_gate[PROBLEM_UPDATE] ? ", no z" : "",
             w->no_gate[PROBLEM_CANDIDATE] ? ", no n" : "", w->step_chunk, w->row_chunk);
    return text;
}
