/* SPDX-License-Identifier: BSD-2-Clause */
/* test_sizes.c: sizes at and around the borders of 16, 31, 32, 62 and 64 bits: refused, and nothing allocated. */
#include "check.h"

#include <string.h>

/* Everything that a size may be, beside small ones; an answer is judged by a lower bound in 128 bits. */
static const size_t sizes[] = {
    0, 1, 2, 3, 16, 17, ((size_t)1 << 16) - 1, (size_t)1 << 16, ((size_t)1 << 16) + 1, 700000000, ((size_t)1 << 30) + 1,
    ((size_t)1 << 31) - 1, (size_t)1 << 31, ((size_t)1 << 31) + 1, ((size_t)1 << 32) - 1, (size_t)1 << 32,
    ((size_t)1 << 32) + 1, (size_t)1 << 48, (size_t)1 << 59, ((size_t)1 << 60) / 3 - 1, ((size_t)1 << 60) - 1,
    (size_t)1 << 60, (size_t)1 << 61, ((size_t)1 << 61) + 1, (size_t)1 << 62,
    PTRDIFF_MAX / 4, PTRDIFF_MAX / 4 + 1, PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX / 4, SIZE_MAX / 3, SIZE_MAX / 2,
    SIZE_MAX - 63, SIZE_MAX - 1, SIZE_MAX,
};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

__extension__ typedef unsigned __int128 wide;

/* Beyond this no answer may be GRU_OK, and up to this every answer must be. In between padding decides. */
static const wide most = PTRDIFF_MAX, surely = PTRDIFF_MAX / 16;

/* An allocator that gives nothing and remembers what it was asked for. */
typedef struct miser {
    size_t calls, bytes;
} miser;

static void *refuse(void *context, size_t bytes, size_t alignment)
{
    miser *m = context;
    m->calls++;
    m->bytes = bytes;
    CHECK(alignment >= sizeof(void *), "an alignment of %zu", alignment);
    return NULL;
}

static void release(void *context, void *memory, size_t bytes)
{
    (void)context;
    CHECK(false, "%zu bytes at %p are given back, but none were given", bytes, memory);
}

/* Judges a number of bytes and the status it came with; false if there is no use for it. */
static bool judge(enum gru_status status, size_t bytes, wide least, const char *what, size_t a, size_t b)
{
    if (status == GRU_OK) {
        return CHECK(least <= most && bytes >= least && bytes <= most, "%s of %zu and %zu: %zu bytes are too few", what, a, b,
                     bytes);
    }
    CHECK(status == GRU_OVERFLOW || a == 0 || b == 0, "%s of %zu and %zu: %s", what, a, b, gru_status_text(status));
    CHECK(least > surely || a == 0 || b == 0, "%s of %zu and %zu would fit", what, a, b);
    CHECK(bytes == 7, "%s of %zu and %zu: the answer was written on failure", what, a, b);
    return false;
}

/* Packed weights cost no more than their numbers, but for a header, biases, what rounding up adds, and between groups of
 * at least 2,048 numbers gaps of 96. */
static void judge_packed(size_t bytes, wide numbers, size_t units, const char *what)
{
    CHECK(bytes <= 4 * (numbers + numbers * 96 / 2048) + 64 * (wide)units + 8192, "%zu bytes are too many for %zu numbers of %s", bytes,
          (size_t)numbers, what);
}

/* Those of a layer may be padded to whole groups: above 64 units by a twentieth at most, so that all of it takes no more than
 * 1.1 times its numbers and biases; below, by what a first-level cache holds. */
static void judge_layer(size_t bytes, wide numbers, wide biases, size_t units)
{
    if (units > 64) {
        CHECK(bytes <= (numbers + biases) * 4 * 11 / 10 + 4096, "%zu bytes are too many for %zu numbers of a layer", bytes,
              (size_t)numbers);
    } else {
        judge_packed(bytes > 2 * 2 * 28672 ? bytes - 2 * 2 * 28672 : 0, numbers + numbers / 20, units, "a layer");
    }
}

/* One float stands for all weights. */
static gru_weights one_float(const gru_desc *desc)
{
    static const float number = 0.5f;
    gru_weights view = {.size = sizeof view};
    for (int g = desc->reset == GRU_RESET_NONE ? GRU_Z : GRU_R; g <= GRU_N; g++) {
        view.w[g].data = view.u[g].data = &number;
    }
    return view;
}

static gru_desc describe(size_t input, size_t hidden, size_t variant)
{
    gru_desc desc = {.size = sizeof desc, .input = input, .hidden = hidden};
    desc.reset = (enum gru_reset)(variant % 3);
    desc.direction = variant % 2 ? GRU_BIDIRECTIONAL : GRU_FORWARD;
    desc.backend = gru_backend_at(variant % 4 % 3) ? gru_backend_at(variant % 4 % 3) : check_scalar();
    return desc;
}

void test_sizes_layers(void)
{
    for (size_t i = 0; i < SIZES * SIZES * 12; i++) {
        size_t input = sizes[i % SIZES], hidden = sizes[i / SIZES % SIZES], variant = i / SIZES / SIZES, bytes = 7;
        gru_desc desc = describe(input, hidden, variant);
        gru_error error = {0};
        enum gru_status status = gru_layer_bytes(&desc, &bytes, &error);
        wide gates = (wide)(desc.reset == GRU_RESET_NONE ? 2 : 3) * (desc.direction == GRU_BIDIRECTIONAL ? 2 : 1) * 4;
        wide columns = (wide)input + hidden;
        /* The product of three sizes may pass 128 bits too. */
        wide least = columns > 0 && gates * hidden > most / columns ? most + 1 : gates * hidden * columns;
        bool fits = judge(status, bytes, least, "a layer", input, hidden);
        judge_layer(bytes, least / 4, gates / 4 * 2 * hidden, hidden);

        miser asked = {0};
        gru_allocator allocator = {refuse, release, &asked};
        gru_weights views[2] = {one_float(&desc), one_float(&desc)};
        gru_layer *layer = (gru_layer *)&asked;
        status = gru_layer_create(&layer, &desc, views, &allocator, &error);
        CHECK(status != GRU_OK && layer == (gru_layer *)&asked, "%zu, %zu: no layer comes of nothing", input, hidden);
        CHECK(asked.calls == (status == GRU_NO_MEMORY), "%zu, %zu: %zu calls, and %s", input, hidden, asked.calls, error.text);
        CHECK(!fits || (asked.calls == 1 && asked.bytes == bytes), "%zu, %zu: %zu bytes, but %zu were asked for", input,
              hidden, bytes, asked.bytes);
    }
}

/* Layers that a first-level cache would hold padded, too. */
void test_sizes_padding(void)
{
    for (size_t i = 0; i < 64 * 24 * 12; i++) {
        size_t hidden = 65 + i % 64, input = 1 + i / 64 % 24 * (i / 64 % 24), variant = i / 64 / 24, bytes = 0;
        gru_desc desc = describe(input, hidden, variant);
        size_t gates = (desc.reset == GRU_RESET_NONE ? 2u : 3u) * (desc.direction == GRU_BIDIRECTIONAL ? 2u : 1u);
        CHECK(gru_layer_bytes(&desc, &bytes, NULL) == GRU_OK, "%zu inputs, %zu units: no bytes", input, hidden);
        judge_layer(bytes, gates * hidden * (input + hidden), gates * 2 * hidden, hidden);
    }
}

static const ptrdiff_t strides[] = {
    PTRDIFF_MIN, PTRDIFF_MIN + 1, PTRDIFF_MIN / 2, PTRDIFF_MIN / 4, -((ptrdiff_t)1 << 61), (ptrdiff_t)1 << 60,
    (ptrdiff_t)1 << 61, PTRDIFF_MAX / 4, PTRDIFF_MAX / 2, PTRDIFF_MAX - 1, PTRDIFF_MAX,
};
enum { STRIDES = sizeof strides / sizeof strides[0] };

/* A layer and a gate of n by n whose weights have one such stride, or two with places 6 and 7. */
static void check_stride(size_t place, ptrdiff_t stride, size_t n, enum gru_status want)
{
    miser asked = {0};
    gru_allocator allocator = {refuse, release, &asked};
    gru_error error = {0};
    gru_desc desc = {.size = sizeof desc, .input = n, .hidden = n, .bias = GRU_BIAS_SIX};
    gru_weights view = one_float(&desc);
    for (int g = 0; g < 3; g++) {
        view.bx[g].data = view.bh[g].data = view.w[0].data;
    }
    ptrdiff_t *places[] = {&view.w[1].unit,  &view.w[2].column,  &view.u[0].unit,
                           &view.u[2].column, &view.bx[0].unit, &view.bh[2].unit};
    gru_gate_desc gate_desc = {.size = sizeof gate_desc, .units = n, .inputs = n, .states = n};
    gate_desc.w.data = gate_desc.u.data = gate_desc.bx.data = gate_desc.bh.data = view.w[0].data;
    ptrdiff_t *gate_places[] = {&gate_desc.w.unit,   &gate_desc.w.column, &gate_desc.u.unit,
                                &gate_desc.u.column, &gate_desc.bx.unit,  &gate_desc.bh.unit};
    if (place < 6) {
        *places[place] = stride;
        *gate_places[place] = stride;
    } else {
        view.w[0].unit = view.w[0].column = place == 6 ? stride : stride / 2;
        gate_desc.w.unit = gate_desc.w.column = view.w[0].unit;
    }
    gru_layer *layer = NULL;
    gru_gate *gate = NULL;
    CHECK_STATUS(gru_layer_create(&layer, &desc, &view, &allocator, &error), want, &error, "a layer's stride %td",
                 stride);
    CHECK_STATUS(gru_gate_create(&gate, &gate_desc, &allocator, &error), want, &error, "a gate's stride %td", stride);
    CHECK(asked.calls == (want == GRU_NO_MEMORY ? 2 : 0), "nothing is allocated for a stride of %td", stride);
}

/* Weights whose last element would lie beyond all memory are refused before any is read; those up to there are not. */
void test_sizes_strides(void)
{
    for (size_t i = 0; i < STRIDES * 8; i++) {
        check_stride(i / STRIDES, strides[i % STRIDES], 9, GRU_OVERFLOW);
    }
    for (size_t place = 0; place < 7; place++) {
        /* An array has at most 2^61 - 1 floats, and the last of three elements is two strides away from the first. */
        ptrdiff_t most_of_it = ((ptrdiff_t)1 << (place < 6 ? 60 : 59)) - 1;
        check_stride(place, most_of_it, 3, GRU_NO_MEMORY);
        check_stride(place, -most_of_it, 3, GRU_NO_MEMORY);
        check_stride(place, most_of_it + 1, 3, GRU_OVERFLOW);
        check_stride(place, -most_of_it - 1, 3, GRU_OVERFLOW);
    }
}

static gru_layer *small_layer(enum gru_direction direction, enum gru_reset reset, size_t input, size_t hidden)
{
    gru_desc desc = {.size = sizeof desc, .input = input, .hidden = hidden, .direction = direction, .reset = reset};
    gru_weights views[2] = {one_float(&desc), one_float(&desc)};
    gru_layer *layer = NULL;
    gru_error error = {0};
    CHECK_STATUS(gru_layer_create(&layer, &desc, views, NULL, &error), GRU_OK, &error, "a small layer");
    return layer;
}

/* A run that can't be says so, whatever its lengths, and touches nothing. */
static void refuse_run(const gru_layer *layer, size_t steps, size_t rows, bool fits)
{
    static const size_t zero;
    float canary[8], y[8];
    unsigned char workspace[64];
    memset(canary, 0xa5, sizeof canary);
    memset(y, 0xa5, sizeof y);
    const ptrdiff_t all = fits ? 64 * (ptrdiff_t)rows : 0;
    gru_io io = {.size = sizeof io, .steps = steps, .rows = rows, .x = canary, .y = y, .x_step = 1, .x_row = 1,
                 .y_step = all, .y_row = 64, .state = {.h = y, .h_row = 64, .h_direction = all}};
    gru_error error = {0};
    if (rows > 0) {
        enum gru_status status = gru_run(layer, &io, workspace, sizeof workspace, &error);
        CHECK(status == GRU_OVERFLOW || (fits && status == GRU_SMALL_MEMORY), "%zu steps, %zu rows: %s", steps, rows,
              error.text);
    }
    if (!fits) {
        io.lengths = io.index = &zero;
        io.index_count = 1;
        CHECK_STATUS(gru_run(layer, &io, workspace, sizeof workspace, &error), GRU_OVERFLOW, &error,
                     "%zu steps, %zu rows with lengths", steps, rows);
        CHECK_STATUS(gru_run_stack(&layer, 1, &(gru_io){.size = sizeof io, .steps = steps, .rows = rows, .x = canary,
                                   .lengths = &zero}, NULL, workspace, sizeof workspace, &error), GRU_OVERFLOW, &error,
                     "%zu steps, %zu rows with lengths through a stack", steps, rows);
    }
    CHECK(memcmp(y, canary, sizeof y) == 0, "%zu steps, %zu rows: something was written", steps, rows);
}

void test_sizes_runs(void)
{
    for (int reset = GRU_RESET_AFTER; reset <= GRU_RESET_NONE; reset++) {
        gru_layer *layer = small_layer(reset == 0 ? GRU_BIDIRECTIONAL : GRU_FORWARD, (enum gru_reset)reset, 5, 20);
        if (layer == NULL) {
            return;
        }
        for (size_t i = 0; i < SIZES * SIZES; i++) {
            size_t steps = sizes[i % SIZES], rows = sizes[i / SIZES], bytes = 7;
            gru_error error = {0};
            enum gru_status status = gru_workspace_bytes(layer, steps, rows, &bytes, &error);
            bool fits = judge(status, bytes, (wide)rows * (steps > 0 ? 105 : 40) * 4, "a workspace", steps, rows);
            if (fits && steps > 0 && rows >= 1024) { /* a block by themselves */
                size_t one = 0;
                gru_workspace_bytes(layer, 1, rows, &one, NULL);
                CHECK(bytes == one, "%zu steps of %zu rows have %zu bytes, one step %zu", steps, rows, bytes, one);
            }
            refuse_run(layer, steps, rows, fits);
        }
        gru_layer_destroy(layer);
    }
}

/* A stack has one run's workspace, two arrays of `width` between the layers, the states, the lengths, and lines to begin
 * at. */
static void judge_stack(const gru_layer *const layers[2], size_t width, size_t steps, size_t rows, size_t bytes)
{
    size_t first = 0, second = 0;
    gru_workspace_bytes(layers[0], steps, rows, &first, NULL);
    gru_workspace_bytes(layers[1], steps, rows, &second, NULL);
    wide enough = (first > second ? first : second) + (wide)rows * (4 * ((2 * steps + 1) * width + 3) + 8) + 7 * 64;
    CHECK(bytes <= enough, "%zu bytes are too many for %zu steps of %zu rows", bytes, steps, rows);
}

void test_sizes_stacks(void)
{
    for (int both = 0; both < 2; both++) {
        gru_layer *first = small_layer(both ? GRU_BIDIRECTIONAL : GRU_FORWARD, GRU_RESET_AFTER, 5, 20);
        gru_layer *second = small_layer(GRU_FORWARD, GRU_RESET_BEFORE, both ? 40 : 20, 3);
        if (first == NULL || second == NULL) {
            return;
        }
        const gru_layer *layers[] = {first, second};
        for (size_t i = 0; i < SIZES * SIZES; i++) {
            size_t steps = sizes[i % SIZES], rows = sizes[i / SIZES], bytes = 7;
            gru_error error = {0};
            enum gru_status status = gru_stack_workspace_bytes(layers, 2, steps, rows, &bytes, &error);
            /* The layer above a bidirectional one waits for all of its steps. */
            wide waves = both ? (wide)steps * rows > most ? most : (wide)steps * rows * 40 : steps > 0 ? (wide)rows * 20 : 0;
            bool fits = judge(status, bytes, (waves + (wide)rows * (both ? 43 : 23)) * 4,
                              both ? "a stack with a reverse layer" : "a stack", steps, rows);
            if (fits && steps <= 2) {
                judge_stack(layers, both ? 40 : 20, steps, rows, bytes);
            }
        }
        gru_layer_destroy(first);
        gru_layer_destroy(second);
    }
}

/* Where the arrays of a stack add up to the end of the address range, each in turn being the one that is too much. */
void test_sizes_stack_ends(void)
{
    gru_desc desc = {.size = sizeof desc, .input = 1, .hidden = 1, .direction = GRU_REVERSE}, wide_desc = desc;
    wide_desc.hidden = 40;
    gru_weights view = one_float(&desc), wide_view = one_float(&wide_desc);
    gru_layer *narrow = NULL, *broad = NULL;
    gru_error error = {0};
    CHECK_STATUS(gru_layer_create(&narrow, &desc, &view, NULL, &error), GRU_OK, &error, "a layer of one unit");
    CHECK_STATUS(gru_layer_create(&broad, &wide_desc, &wide_view, NULL, &error), GRU_OK, &error, "a layer of 40 units");
    for (size_t less = 0; less < 200 && narrow && broad; less++) {
        for (size_t row = 1; row <= 2; row++) {
            const gru_layer *layers[] = {narrow, less % 2 ? narrow : broad};
            size_t gap = less < 100 ? less / 2 : less * 300, bytes = 7;
            /* Four times so many bytes end where the rounding up to a line would wrap round. */
            size_t steps = (((size_t)1 << (60 + less % 3)) - gap) / row;
            enum gru_status status = gru_stack_workspace_bytes(layers, 2, steps, row, &bytes, &error);
            judge(status, bytes, (wide)2 * 4 * steps * row, "the end of a stack", steps, row);
            CHECK(status == GRU_OK || less < 190 || less % 3 > 0, "%zu steps would fit", steps);
        }
    }
    gru_layer_destroy(narrow);
    gru_layer_destroy(broad);

    /* A layer's states fit, but not those of any number of layers. */
    enum { MANY = 4096 };
    static const gru_layer *many[MANY];
    gru_layer *square = small_layer(GRU_FORWARD, GRU_RESET_AFTER, 64, 64);
    for (size_t i = 0; i < MANY; i++) {
        many[i] = square;
    }
    for (size_t count = 1; count <= MANY && square != NULL; count *= 2) {
        for (size_t shift = 40; shift < 64; shift++) {
            size_t rows = (size_t)1 << shift, bytes = 7;
            enum gru_status status = gru_stack_workspace_bytes(many, count, 1, rows, &bytes, &error);
            judge(status, bytes, (wide)count * rows * 64 * 4, "the states of a tall stack", count, rows);
        }
    }
    gru_layer_destroy(square);
}

void test_sizes_gates(void)
{
    static const float number = 0.5f;
    for (size_t i = 0; i < SIZES * SIZES; i++) {
        size_t units = sizes[i % SIZES], columns = sizes[i / SIZES];
        for (int both = 0; both < 2; both++) {
            miser asked = {0};
            gru_allocator allocator = {refuse, release, &asked};
            gru_gate_desc desc = {.size = sizeof desc, .units = units, .inputs = columns, .states = both ? columns : 0};
            desc.w.data = columns ? &number : NULL;
            desc.u.data = both && columns ? &number : NULL;
            gru_gate *gate = NULL;
            gru_error error = {0};
            enum gru_status status = gru_gate_create(&gate, &desc, &allocator, &error);
            CHECK(gate == NULL && asked.calls == (status == GRU_NO_MEMORY), "a gate of %zu by %zu: %s", units, columns, error.text);
            bool huge = columns > 0 && (wide)units > most / 4 / columns;
            CHECK(!huge || status == GRU_OVERFLOW || units == 0, "a gate of %zu by %zu fits in no memory: %s", units, columns,
                  error.text);
            CHECK(asked.calls == 0 || asked.bytes <= PTRDIFF_MAX, "a gate of %zu by %zu in %zu bytes", units, columns, asked.bytes);
            CHECK(asked.calls == 0 || asked.bytes / 4 / (both ? 2 : 1) >= units * columns, "a gate of %zu by %zu in %zu bytes",
                  units, columns, asked.bytes);
            judge_packed(asked.bytes, (wide)units * columns * (both ? 2 : 1), units, "a gate");
        }
    }
    gru_gate *gate = NULL;
    gru_gate_desc desc = {.size = sizeof desc, .units = 33, .inputs = 9, .w = {&number, 0, 0}};
    gru_error error = {0};
    CHECK_STATUS(gru_gate_create(&gate, &desc, NULL, &error), GRU_OK, &error, "a gate");
    for (size_t i = 0; i < SIZES && gate != NULL; i++) {
        size_t bytes = 7;
        CHECK_STATUS(gru_gate_workspace_bytes(gate, sizes[i], &bytes, &error), GRU_OK, &error, "%zu rows", sizes[i]);
        CHECK(bytes < 1 << 20, "%zu rows go through in blocks, which take %zu bytes", sizes[i], bytes);
    }
    gru_gate_destroy(gate);
}

/* With no rows there is nothing to do, in however many steps, and strides mean nothing. */
void test_sizes_no_rows(void)
{
    gru_layer *layer = small_layer(GRU_FORWARD, GRU_RESET_AFTER, 5, 20);
    const gru_layer *const layers[] = {layer};
    static unsigned char workspace[1 << 16];
    for (size_t i = 0; i < SIZES && layer != NULL; i++) {
        gru_io io = {.size = sizeof io, .steps = sizes[i], .x_step = PTRDIFF_MAX, .x_row = PTRDIFF_MIN, .y_step = PTRDIFF_MIN,
                     .y_row = 1};
        enum gru_status want = sizes[i] > PTRDIFF_MAX ? GRU_OVERFLOW : GRU_OK;
        gru_error error = {0};
        CHECK_STATUS(gru_run(layer, &io, workspace, sizeof workspace, &error), want, &error, "%zu steps, no rows", sizes[i]);
        CHECK_STATUS(gru_run_stack(layers, 1, &io, NULL, workspace, sizeof workspace, &error), want, &error,
                     "%zu steps, no rows, through a stack", sizes[i]);
    }
    gru_layer_destroy(layer);
}

/* Arrays, and teams. */
void test_sizes_arrays(void)
{
    float x[4] = {0}, y[4] = {0};
    gru_error error = {0};
    for (size_t i = 0; i < SIZES; i++) {
        size_t n = sizes[i];
        if (n > PTRDIFF_MAX / 4) {
            CHECK_STATUS(gru_sigmoid(check_scalar(), GRU_TIER_FAST, n, x, y, &error), GRU_OVERFLOW, &error, "sigmoid of %zu", n);
            CHECK_STATUS(gru_tanh(check_scalar(), GRU_TIER_FAST, n, x, y, &error), GRU_OVERFLOW, &error, "tanh of %zu", n);
            CHECK_STATUS(gru_update_blend(check_scalar(), GRU_UPDATE_KEEP, n, x, x, x, y, &error), GRU_OVERFLOW, &error,
                         "blend of %zu", n);
        }
        miser asked = {0};
        gru_allocator allocator = {refuse, release, &asked};
        gru_team *team = NULL;
        enum gru_status status = gru_team_create(&team, n, &allocator, &error);
        CHECK(team == NULL && asked.calls == (status == GRU_NO_MEMORY), "a team of %zu: %s", n, error.text);
        CHECK(status == GRU_OVERFLOW || (n <= PTRDIFF_MAX / 64 && asked.bytes / 64 + 1 >= n), "a team of %zu in %zu bytes: %s", n,
              asked.bytes, error.text);
    }
}
