/* SPDX-License-Identifier: BSD-2-Clause */
/* test_guards.c: every size and tail between unreadable pages, and between floats that change the result if they are
 * read. */
#include "rig.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Hundred thousand shapes by twenty arrays are too many to map each anew, so arrays lie in slots that are used again and
 * again. A slot is a run of pages between two unreadable ones. Those of inputs are mapped twice: the test fills
 * them where they can be written, the library sees them where they can't.
 */
enum { SLOTS = 48, SLOT_BYTES = 1 << 20, WINDOW = 256 };

typedef struct slot {
    unsigned char *seen, *written; /* the first byte of SLOT_BYTES */
    size_t start, bytes;           /* of the array that it holds now */
    bool output;
} slot;

typedef struct arena {
    slot inputs[SLOTS], outputs[SLOTS];
    size_t input_count, output_count;
    unsigned char canary;
} arena;

static unsigned char *map(int fd, size_t page, int protection)
{
    unsigned char *base = mmap(NULL, SLOT_BYTES + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    int flags = MAP_FIXED | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
    return mmap(base + page, SLOT_BYTES, protection, flags, fd, 0) == MAP_FAILED ? NULL : base + page;
}

static void unmap(unsigned char *at, size_t page)
{
    if (at != NULL) {
        munmap(at - page, SLOT_BYTES + 2 * page);
    }
}

static bool slot_open(slot *s, bool output)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *s = (slot){.output = output};
    if (output) {
        s->seen = s->written = map(-1, page, PROT_READ | PROT_WRITE);
        return s->seen != NULL;
    }
    int fd = memfd_create("gru-tests", 0);
    if (fd < 0 || ftruncate(fd, SLOT_BYTES) != 0) {
        return false;
    }
    s->written = map(fd, page, PROT_READ | PROT_WRITE);
    s->seen = map(fd, page, PROT_READ);
    close(fd);
    return s->written != NULL && s->seen != NULL;
}

static void slot_close(slot *s)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unmap(s->seen, page);
    if (s->written != s->seen) {
        unmap(s->written, page);
    }
}

static void arena_close(arena *a)
{
    for (size_t i = 0; i < SLOTS; i++) {
        slot_close(&a->inputs[i]);
        slot_close(&a->outputs[i]);
    }
}

static bool arena_open(arena *a, unsigned char canary)
{
    bool good = true;
    *a = (arena){.canary = canary};
    for (size_t i = 0; i < SLOTS && good; i++) {
        good = slot_open(&a->inputs[i], false) && slot_open(&a->outputs[i], true);
    }
    if (!good) {
        arena_close(a);
    }
    return good;
}

/* The nearest of an array's neighbours, which are what a mistake would touch first. */
static size_t window_before(const slot *s)
{
    return s->start < WINDOW ? s->start : WINDOW;
}

static size_t window_after(const slot *s)
{
    size_t after = SLOT_BYTES - s->start - s->bytes;
    return after < WINDOW ? after : WINDOW;
}

/*
 * Half of all arrays end at the page behind them, which puts their start at any alignment as their size varies; a quarter begin
 * with a page; the rest lie up to 15 elements away from one of the two.
 */
static void *arena_place(void *context, size_t bytes, size_t alignment, bool output, void **written)
{
    arena *a = context;
    slot *s = output ? &a->outputs[a->output_count++] : &a->inputs[a->input_count++];
    size_t choice = check_below(8), away = choice >= 6 ? (1 + check_below(15)) * alignment : 0;
    size_t last = (SLOT_BYTES - bytes) / alignment * alignment;
    s->bytes = bytes;
    s->start = choice < 4 || choice == 6 ? last - away : away;
    memset(s->written + s->start - window_before(s), a->canary, window_before(s));
    memset(s->written + s->start + bytes, a->canary, window_after(s));
    *written = s->written + s->start;
    return s->seen + s->start;
}

static void arena_check(arena *a, const rig_shape *shape)
{
    for (size_t i = 0; i < a->output_count; i++) {
        const slot *s = &a->outputs[i];
        size_t wrong = 0, before = window_before(s), after = window_after(s);
        for (size_t k = 0; k < before; k++) {
            wrong += s->written[s->start - before + k] != a->canary;
        }
        for (size_t k = 0; k < after; k++) {
            wrong += s->written[s->start + s->bytes + k] != a->canary;
        }
        CHECK(wrong == 0, "%s: %zu bytes beside output %zu were written", rig_text(shape), wrong, i);
    }
    a->input_count = a->output_count = 0;
}

/* The same run twice, with its arrays elsewhere and other neighbours: whatever was read of those shows. */
static void attack(arena *arenas, const rig_shape *shape)
{
    rig rigs[2];
    for (int i = 0; i < 2; i++) {
        rig_memory memory = {arena_place, &arenas[i]};
        rigs[i] = rig_make(shape, &memory);
        gru_error error = {0};
        if (rigs[i].layer != NULL) {
            CHECK_STATUS(rig_run(&rigs[i], &error), GRU_OK, &error, "%s", rig_text(shape));
        }
    }
    if (rigs[0].layer != NULL && rigs[1].layer != NULL) {
        rig_same(&rigs[0], &rigs[1], "arrays elsewhere");
    }
    for (int i = 0; i < 2; i++) {
        arena_check(&arenas[i], shape);
        rig_free(&rigs[i]);
    }
}

static bool open_both(arena *arenas)
{
    if (!arena_open(&arenas[0], 0xff)) {
        return false;
    }
    if (!arena_open(&arenas[1], 0x3e)) {
        arena_close(&arenas[0]);
        return false;
    }
    return true;
}

/* I and H in 1 .. 67, B in 1 .. 9, T in 0 .. 3: all 161,604 with --long, a tenth of them otherwise; the variant is
 * drawn for each. */
void test_guards_shapes(void)
{
    if (!check_guarded()) {
        SKIP("with --no-guards");
    }
    static arena arenas[2];
    if (!open_both(arenas)) {
        SKIP("no memory that can be mapped twice");
    }
    for (size_t i = 0; i < 67 * 67 * 9 * 4; i++) {
        if (!check_turn(i, 20) || (!check_long() && check_below(10) != 0)) {
            continue;
        }
        rig_shape shape = rig_random(check_this(), 1, 1, 0, 0);
        shape.desc.input = 1 + i % 67;
        shape.desc.hidden = 1 + i / 67 % 67;
        shape.rows = 1 + i / 4489 % 9;
        shape.steps = i / 40401;
        attack(arenas, &shape);
    }
    arena_close(&arenas[0]);
    arena_close(&arenas[1]);
}

/* --- Building blocks ------------------------------------------------------------------------------- */

typedef struct floats {
    float *written;
    const float *seen;
} floats;

static floats place(arena *a, size_t n, bool output)
{
    void *written;
    floats f = {.seen = arena_place(a, n * sizeof(float), sizeof(float), output, &written)};
    f.written = written;
    return f;
}

static floats draw(arena *a, size_t n)
{
    floats f = place(a, n, false);
    check_fill(f.written, n, -2.0f, 2.0f);
    return f;
}

static void attack_arrays(arena *a, size_t n, enum gru_tier tier)
{
    const gru_backend *backend = check_this();
    floats x = draw(a, n), z = draw(a, n), h = draw(a, n), y = place(a, n, true);
    gru_error error = {0};
    CHECK_STATUS(gru_sigmoid(backend, tier, n, x.seen, y.written, &error), GRU_OK, &error, "sigmoid of %zu", n);
    CHECK_STATUS(gru_tanh(backend, tier, n, x.seen, y.written, &error), GRU_OK, &error, "tanh of %zu", n);
    for (int update = GRU_UPDATE_KEEP; update <= GRU_UPDATE_REPLACE; update++) {
        CHECK_STATUS(gru_update_blend(backend, (enum gru_update)update, n, z.seen, h.seen, x.seen, y.written, &error),
                     GRU_OK, &error, "blend of %zu", n);
    }
}

static void attack_gate(arena *a, size_t units, size_t rows, enum gru_tier tier)
{
    size_t inputs = check_below(20), states = inputs == 0 ? 1 + check_below(20) : check_below(20), bytes = 0;
    gru_gate_desc desc = {.size = sizeof desc, .units = units, .inputs = inputs, .states = states, .tier = tier,
                          .activation = (enum gru_activation)check_below(4), .backend = check_this()};
    desc.w = (gru_matrix){inputs ? draw(a, units * inputs).seen : NULL, (ptrdiff_t)inputs, 1};
    desc.u = (gru_matrix){states ? draw(a, units * states).seen : NULL, (ptrdiff_t)states, 1};
    desc.bx = (gru_vector){inputs ? draw(a, units).seen : NULL, 1};
    desc.bh = (gru_vector){states ? draw(a, units).seen : NULL, 1};
    const float *x = inputs ? draw(a, rows * inputs).seen : NULL, *h = states ? draw(a, rows * states).seen : NULL;
    float *out = place(a, rows * units, true).written;
    gru_gate *gate = NULL;
    gru_error error = {0};
    if (!CHECK_STATUS(gru_gate_create(&gate, &desc, NULL, &error), GRU_OK, &error, "a gate of %zu", units)) {
        return;
    }
    CHECK_STATUS(gru_gate_workspace_bytes(gate, rows, &bytes, &error), GRU_OK, &error, "its workspace");
    void *workspace;
    arena_place(a, bytes, 1, true, &workspace);
    memset(workspace, 0xff, bytes);
    CHECK_STATUS(gru_gate_run(gate, rows, x, (ptrdiff_t)inputs, h, (ptrdiff_t)states, out, (ptrdiff_t)units, workspace, bytes,
                              &error), GRU_OK, &error, "%zu rows of a gate of %zu, %zu inputs, %zu states", rows, units,
                 inputs, states);
    size_t strange = 0;
    for (size_t i = 0; i < rows * units; i++) {
        strange += out[i] != out[i];
    }
    CHECK(strange == 0, "%zu rows of a gate of %zu, %zu inputs, %zu states: %zu NaN", rows, units, inputs, states, strange);
    gru_gate_destroy(gate);
}

void test_guards_blocks(void)
{
    if (!check_guarded()) {
        SKIP("with --no-guards");
    }
    static arena arenas[2];
    if (!open_both(arenas)) {
        SKIP("no memory that can be mapped twice");
    }
    rig_shape none = {.desc.backend = check_this()};
    for (size_t n = 0; n <= 67 * 4; n++) {
        for (int tier = GRU_TIER_FAST; tier <= GRU_TIER_SLEEF; tier++) {
            if (gru_sigmoid(check_this(), (enum gru_tier)tier, 0, NULL, NULL, NULL) != GRU_OK) {
                continue;
            }
            if (!check_turn(n * 4 + (size_t)tier, 4)) {
                continue;
            }
            attack_arrays(&arenas[0], n, (enum gru_tier)tier);
            arena_check(&arenas[0], &none);
            if (n > 0) {
                attack_gate(&arenas[0], n, check_below(n % 16 == 0 ? 150 : 10), (enum gru_tier)tier);
                arena_check(&arenas[0], &none);
            }
        }
    }
    arena_close(&arenas[0]);
    arena_close(&arenas[1]);
}
