/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ties.h: whether the least of sums decides how r * ah is rounded in some unit's candidate, one tier; after step.h
 * (tier.h). A layer asks where the sums over x are so small that they could do no more than that (../faint.h).
 */
#include "clean.h"
#include "tiered.h"

/* `n` groups. What is read as zero makes a candidate of zero, whatever it was. */
GRU_INLINE int TIERED(ties_some)(const size_t n, const struct gru_step *s, const struct block *b, vec most)
{
    vec r[ABREAST], up[ABREAST], down[ABREAST];
    int same = 1;
    TIERED(v_gate)(n, s, b, 0, r);
    EACH up[k] = v_clean(v_fma(r[k], block_ah(b, k, 2), most));
    EACH down[k] = v_clean(v_fma(r[k], block_ah(b, k, 2), v_sub(v_set1(0.0f), most)));
    EACH same &= v_same(up[k], down[k]);
    return !same;
}

/* A function of its own, so that nothing of it comes after v_end. */
static GRU_NOINLINE int TIERED(ties_any)(const struct gru_step *s, const float *ah, float most)
{
    const size_t sums = 3 * LANES;
    struct block b = {.ax = s->ax, .ah = ah, .ax_step = sums, .ah_step = sums};
    int any = 0;
    size_t group = 0;
    for (; group + ABREAST <= s->cell->groups; group += ABREAST, b.ax += ABREAST * sums, b.ah += ABREAST * sums)
        any |= TIERED(ties_some)(ABREAST, s, &b, v_set1(most));
    for (; group < s->cell->groups; group++, b.ax += sums, b.ah += sums)
        any |= TIERED(ties_some)(1, s, &b, v_set1(most));
    return any;
}

static void TIERED(ties)(const struct gru_step *s, const float *ah, float most, int *any)
{
    *any = TIERED(ties_any)(s, ah, most);
    v_end();
}
