/* SPDX-License-Identifier: BSD-2-Clause */
/* gru.h: the whole public interface of libgru, gated recurrent units on the CPU. */
#ifndef GRU_H
#define GRU_H

#include <stddef.h>
#include <stdint.h>

/*
 * In ten lines
 * ------------
 *
 *     gru_desc desc = { .size = sizeof desc, .input = 40, .hidden = 128, .bias = GRU_BIAS_SIX };
 *     gru_weights weights = { .size = sizeof weights };
 *     gru_weights_pytorch(&weights, &desc, w_ih, w_hh, b_ih, b_hh, NULL);
 *     gru_layer *layer;
 *     gru_layer_create(&layer, &desc, &weights, NULL, NULL);            // packs the weights
 *     gru_workspace_bytes(layer, 100, 4, &bytes, NULL);                 // scratch memory of a run
 *     gru_io io = { .size = sizeof io, .steps = 100, .rows = 4,        // x is [100][4][40]
 *                   .x = x, .x_step = 4 * 40, .x_row = 40, .y = y, .y_step = 4 * 128, .y_row = 128 };
 *     gru_run(layer, &io, workspace, bytes, NULL);                      // as often as wanted
 *     gru_layer_destroy(layer);
 *
 * What is promised
 * ----------------
 *
 * One result. A layer gives the same bits on every back end (plain C, AVX2, AVX-512, NEON), for a row
 * alone or in any batch, for one call of T steps or T calls of one, for any number of threads, any
 * alignment and any stride. The arithmetic has a version, GRU_ARITHMETIC; results change only with it.
 * They assume the floating-point environment that a C program starts with: rounding to nearest, and
 * subnormals neither flushed nor read as zero. (Where they are, as in many audio programs, runs are as safe,
 * and bits may differ where a sum is subnormal.)
 *
 * Nothing hidden in a run. gru_run and gru_run_stack don't allocate and don't lock, and fail only for the
 * reasons that gru_error states, before anything is written. They don't call the system, unless threads
 * are asked for: a gru_team reads the clock and its CPU's number, which most systems let a program do by
 * itself, and wakes its sleeping threads, at most once each per call (per direction, if one comes after the
 * other; of a stack whose layers are cut one after the other, per chunk of steps of each); and where there are
 * more threads than CPUs, or the pool is yours, a long wait may give the CPU away (sched_yield).
 *
 * No byte outside your arrays is read or written; no padding is asked of you, and no alignment but a float's own.
 *
 * Conventions
 * -----------
 *
 * All sizes and strides count elements (floats), never bytes, unless the name says "bytes". Within a
 * row of x, h or y the elements are contiguous. Strides may be negative. An input's may be 0, which reads the
 * same row again; so a stride that was forgotten is an error where there are several rows of an output, and none
 * where there are several of an input.
 *
 * Each struct that you fill starts with its own size, so that it can grow in later versions: write
 * `gru_desc desc = { .size = sizeof desc, ... }` and leave the rest zero (before C++20: `gru_desc desc = {};
 * desc.size = sizeof desc;`). A field that an older program doesn't know is taken as zero, and zero is always
 * the default. (gru_matrix, gru_vector, gru_allocator and gru_state have no size, and grow only with GRU_ABI.)
 *
 * Each function that can fail returns a gru_status and takes, last, a `gru_error *` that may be NULL.
 * On failure nothing has been written but that error.
 *
 * Names: r is the reset gate, z the update gate, n the candidate ("new"); W multiplies the input x, U the
 * state h; I is the input size, H the hidden size, T steps, B rows.
 */

#define GRU_VERSION_MAJOR 0
#define GRU_VERSION_MINOR 1
#define GRU_VERSION_PATCH 0

/* The number in the shared library's name: it rises when a program must be compiled again. */
#define GRU_ABI 0

/* The version of the arithmetic: two builds with the same number give the same bits. */
#define GRU_ARITHMETIC 1

#if defined(__GNUC__)
#define GRU_API __attribute__((visibility("default")))
#else
#define GRU_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------------
 * Status and errors
 */

enum gru_status {
    GRU_OK = 0,
    GRU_NULL_POINTER,       /* a pointer that is needed is NULL */
    GRU_BAD_STRUCT,         /* a struct's size field is too small, or it has unknown fields that aren't zero */
    GRU_ZERO_SIZE,          /* a size is zero that mustn't be: input, hidden, units, layers */
    GRU_OVERFLOW,           /* sizes or strides of something that fits in no memory */
    GRU_BAD_ENUM,           /* an enum field has a value that this version doesn't know */
    GRU_BAD_VALUE,          /* a number is out of its range: a negative or NaN clip, for example */
    GRU_BAD_BIAS,           /* the biases given aren't those that desc.bias announces */
    GRU_BAD_DIALECT,        /* the dialect of the weights contradicts the description */
    GRU_BAD_STRIDE,         /* an output's strides would make its rows overlap */
    GRU_BAD_LENGTH,         /* a row's length is greater than the number of steps */
    GRU_BAD_INDEX,          /* a row's state index is outside the pool of states */
    GRU_BAD_ALIGNMENT,      /* memory for a layer, or from an allocator, isn't aligned as it must be */
    GRU_SMALL_MEMORY,       /* a workspace or a layer's memory is too small */
    GRU_MISMATCH,           /* the sizes of two objects that meet don't agree */
    GRU_OVERLAP,            /* two arrays overlap in a way that isn't allowed, and that is easily seen */
    GRU_UNKNOWN_BACKEND,    /* no back end has this name */
    GRU_MISSING_BACKEND,    /* the back end exists, but not in this build or not on this CPU */
    GRU_UNSUPPORTED,        /* a combination that this CPU or this version can't do */
    GRU_NO_MEMORY,          /* the allocator returned NULL */
    GRU_NO_THREAD,          /* the system refused to start a thread */
    GRU_STATUS_COUNT
};

/* What went wrong, in one sentence with the values, as UTF-8 that ends in NUL. Written on failure only. */
typedef struct gru_error {
    enum gru_status status;
    char text[252];
} gru_error;

/* A short description of a status: never NULL, static. */
GRU_API const char *gru_status_text(enum gru_status status);

/* "0.1.0" and GRU_ARITHMETIC, of the library that is linked (the macros are of the header). */
GRU_API const char *gru_version(void);
GRU_API int gru_arithmetic(void);

/* ---------------------------------------------------------------------------------------------------
 * Back ends
 *
 * A gru_backend is one set of kernels: "scalar" (the definition, on every CPU), "avx2" (with FMA),
 * "avx512" (F, BW, DQ, VL) or "neon" (AArch64). It is constant and may be used by any number of threads.
 */
typedef struct gru_backend gru_backend;

/*
 * Finds a back end. With a name: that one. With NULL: the one that the environment variable GRU_BACKEND
 * names (which is ignored in programs with raised privileges), else the best that this CPU can run.
 * GRU_UNKNOWN_BACKEND or GRU_MISSING_BACKEND if there is none; the error names those that there are.
 */
GRU_API enum gru_status gru_backend_find(const gru_backend **backend, const char *name, gru_error *error);

/* The back ends that this CPU can run, best first: the i-th, or NULL past the last. */
GRU_API const gru_backend *gru_backend_at(size_t i);

GRU_API const char *gru_backend_name(const gru_backend *backend);

/* ---------------------------------------------------------------------------------------------------
 * Describing a layer
 */

/* Where the reset gate acts on the candidate n. */
enum gru_reset {
    /* n = tanh(W x + bx + r * (U h + bh)): PyTorch, Keras's default, ONNX linear_before_reset=1 */
    GRU_RESET_AFTER = 0,
    /* n = tanh(W x + bx + U (r * h) + bh): Cho et al. 2014, ONNX's default, Keras reset_after=False */
    GRU_RESET_BEFORE,
    /* n = tanh(W x + bx + U h + bh): only an update gate; r doesn't exist */
    GRU_RESET_NONE
};

/* Which way the update gate blends. */
enum gru_update {
    GRU_UPDATE_KEEP = 0, /* h' = z * h + (1 - z) * n: PyTorch, Keras, ONNX */
    GRU_UPDATE_REPLACE   /* h' = (1 - z) * h + z * n: Cho et al. as often printed, Chung et al. */
};

/*
 * Which biases there are. bx starts the sum over the input, bh the sum over the state; the two sums are
 * added once at the end, so the place of a bias matters for the candidate alone: inside the reset its bias
 * is multiplied by r with the rest of the recurrent sum (reset after).
 */
enum gru_bias {
    GRU_BIAS_NONE = 0,   /* none */
    GRU_BIAS_ONE,        /* 3H: one per gate, outside the reset: bx of each gate */
    GRU_BIAS_ONE_INSIDE, /* 3H: one per gate, the candidate's inside the reset: bx of r and z, bh of n */
    GRU_BIAS_FOUR,       /* 4H: bx of each gate, and bh of n (oneDNN, OpenVINO) */
    GRU_BIAS_SIX         /* 6H: bx and bh of each gate (PyTorch, Keras reset_after=True, ONNX) */
};

/* The activation of r and z. The candidate's is always tanh. */
enum gru_gates {
    GRU_GATES_SIGMOID = 0,
    GRU_GATES_HARD_SIGMOID /* min(1, max(0, hard_alpha * v + hard_beta)): older Keras models, ONNX */
};

/* How exact sigmoid and tanh are. The error of each is in README.md, measured over all 2^32 inputs. */
enum gru_tier {
    GRU_TIER_FAST = 0, /* as exact as fp32 sums usually are: the right one unless you know better */
    GRU_TIER_FASTER,   /* coarser */
    GRU_TIER_ACCURATE, /* about 1 ULP */
    GRU_TIER_SLEEF     /* SLEEF's deterministic 1.0-ULP functions; on x86 they need AVX2 and FMA */
};

/* How weights are stored once packed. */
enum gru_weight_type {
    GRU_F32 = 0
};

enum gru_direction {
    GRU_FORWARD = 0,
    GRU_REVERSE,      /* row b runs from its own last step to its first */
    GRU_BIDIRECTIONAL /* both, with weights of their own; direction 0 is forward, 1 reverse */
};

/* How the outputs of the two directions of a bidirectional layer become one. */
enum gru_merge {
    GRU_MERGE_CONCAT = 0, /* y = [forward, reverse], 2H wide */
    GRU_MERGE_SUM         /* y = forward + reverse, H wide */
};

typedef struct gru_desc {
    size_t size;   /* sizeof(gru_desc) */
    size_t input;  /* I, at least 1 */
    size_t hidden; /* H, at least 1 */
    enum gru_reset reset;
    enum gru_update update;
    enum gru_bias bias;
    enum gru_direction direction;
    enum gru_merge merge; /* bidirectional only */
    enum gru_gates gates;
    float hard_alpha; /* hard sigmoid's slope and offset; both zero means 0.2 and 0.5 */
    float hard_beta;
    float clip; /* each pre-activation is limited to [-clip, clip]; 0 means it isn't */
    enum gru_tier tier;
    enum gru_weight_type weight_type;
    const gru_backend *backend; /* NULL: as gru_backend_find(NULL) chooses, or without GRU_BACKEND a narrower one
                                 * that is faster for so few units */
} gru_desc;

/* ---------------------------------------------------------------------------------------------------
 * Weights
 *
 * gru_weights is a view of your arrays, one matrix and up to two biases per gate, each with its own
 * strides. It is read when a layer is created and not kept. Fill it yourself, or let one of the
 * functions below fill it from the dialect that you name. Nothing is ever guessed.
 */

enum gru_gate_name { GRU_R = 0, GRU_Z = 1, GRU_N = 2 };

/*
 * The weight of unit j for input k is data[j * unit + k * column]. Column-vector form (y = W x, a row of W
 * per unit) has unit = number of inputs, column = 1; row-vector form (y = x W) unit = 1, column = number
 * of units, or more where several gates share one matrix. A stride of 0 is no default: it takes one number
 * for all units, or inputs.
 */
typedef struct gru_matrix {
    const float *data;
    ptrdiff_t unit;
    ptrdiff_t column;
} gru_matrix;

/* The bias of unit j is data[j * unit]. */
typedef struct gru_vector {
    const float *data;
    ptrdiff_t unit;
} gru_vector;

/*
 * Each array is indexed by GRU_R, GRU_Z, GRU_N. Without a reset gate the entries of GRU_R must be NULL.
 * Exactly the biases that desc.bias announces must be there, the others' data must be NULL.
 */
typedef struct gru_weights {
    size_t size;     /* sizeof(gru_weights) */
    gru_matrix w[3]; /* H x I: of the input */
    gru_matrix u[3]; /* H x H: of the state */
    gru_vector bx[3];
    gru_vector bh[3];
} gru_weights;

/*
 * The dialects. Each fills `weights` with pointers into the arrays given; nothing is copied. `desc` gives the
 * sizes, and the variant, which must be one that the dialect can express, or else GRU_BAD_DIALECT
 * says why. All matrices are dense and row-major. A bias pointer must be NULL if and only if desc->bias is
 * GRU_BIAS_NONE. For a bidirectional layer fill two gru_weights, forward first.
 */

/* PyTorch nn.GRU: weight_ih [3H, I], weight_hh [3H, H], bias_ih [3H], bias_hh [3H]; gates r, z, n.
 * Reset after, update keep, bias none or six. */
GRU_API enum gru_status gru_weights_pytorch(gru_weights *weights, const gru_desc *desc, const float *weight_ih,
                                            const float *weight_hh, const float *bias_ih, const float *bias_hh,
                                            gru_error *error);

/* Keras layers.GRU: kernel [I, 3H], recurrent_kernel [H, 3H]; gates z, r, h. reset_after=True (reset
 * after): bias [2, 3H], bias none or six. reset_after=False (reset before): bias [3H], none or one. Update keep. */
GRU_API enum gru_status gru_weights_keras(gru_weights *weights, const gru_desc *desc, const float *kernel,
                                          const float *recurrent_kernel, const float *bias, gru_error *error);

/* ONNX GRU: W [D, 3H, I], R [D, 3H, H], B [D, 6H]; gates z, r, h; `direction` picks the first axis: 0, or
 * 1 for the reverse half of a bidirectional node. linear_before_reset=0 is reset before, 1 is after.
 * Update keep, bias none or six. */
GRU_API enum gru_status gru_weights_onnx(gru_weights *weights, const gru_desc *desc, const float *w, const float *r,
                                         const float *b, size_t direction, gru_error *error);

/* OpenVINO GRUSequence: W [D, 3H, I], R [D, 3H, H], B [D, 4H] if linear_before_reset (reset after, bias four),
 * else [D, 3H] (reset before, bias one); gates z, r, h; `direction` as above. Update keep. */
GRU_API enum gru_status gru_weights_openvino(gru_weights *weights, const gru_desc *desc, const float *w, const float *r,
                                             const float *b, size_t direction, gru_error *error);

/* oneDNN in its plain formats: weights_layer ldigo [I, 3, H], weights_iter ldigo [H, 3, H], bias ldgo [4, H]
 * for lbr_gru (reset after, bias four) or [3, H] for vanilla_gru (reset before, bias one), of one layer and
 * direction; gates u (our z), r, o (our n). Update keep. */
GRU_API enum gru_status gru_weights_onednn(gru_weights *weights, const gru_desc *desc, const float *weights_layer,
                                           const float *weights_iter, const float *bias, gru_error *error);

/* How a matrix per gate over the joined vector of state and input is laid out. */
enum gru_joined {
    GRU_JOINED_HX_COLUMN = 0, /* over [h, x], column-vector form: [H, H + I] */
    GRU_JOINED_XH_COLUMN,     /* over [x, h], column-vector form: [H, I + H] */
    GRU_JOINED_HX_ROW,        /* over [h, x], row-vector form: [H + I, H] */
    GRU_JOINED_XH_ROW         /* over [x, h], row-vector form: [I + H, H] */
};

/* One matrix per gate over [h, x] or [x, h], and one bias [H] per gate: matrices[GRU_R] and so on (that of r NULL
 * if there is no reset gate). Any reset and update; bias none, one, or one inside. biases may be NULL. */
GRU_API enum gru_status gru_weights_joined(gru_weights *weights, const gru_desc *desc, const float *const matrices[3],
                                           const float *const biases[3], enum gru_joined form, gru_error *error);

/* ---------------------------------------------------------------------------------------------------
 * Layers
 *
 * A gru_layer holds packed weights. It is immutable, so any number of threads may run it at once; only gru_layer_repack
 * and gru_layer_destroy need it for themselves. Above 64 units it takes at most 1.1 times the bytes of its weights and
 * biases, and 4 KiB; weights of smaller ones are padded to whole vectors where that makes 56 KiB at most, or a
 * twentieth more.
 */
typedef struct gru_layer gru_layer;

/* Memory for objects. `allocate` returns memory aligned to `alignment` (a power of two) or NULL; what isn't aligned is
 * released at once, and refused with GRU_BAD_ALIGNMENT. Both are called by the functions that create and destroy, in
 * the calling thread, and by no others. A struct that is all zeros counts as NULL: the default. */
typedef struct gru_allocator {
    void *(*allocate)(void *context, size_t bytes, size_t alignment);
    void (*release)(void *context, void *memory, size_t bytes);
    void *context;
} gru_allocator;

/* What a layer's memory must be aligned to, in bytes. */
#define GRU_ALIGNMENT 64

/*
 * Creates a layer: checks the description, chooses the back end, packs the weights. `weights` is one view, or an
 * array of two for a bidirectional layer. `allocator` may be NULL: then aligned memory from the C library, on huge
 * pages where the system gives them and the weights are large. The allocator is copied, its context must live on.
 */
GRU_API enum gru_status gru_layer_create(gru_layer **layer, const gru_desc *desc, const gru_weights *weights,
                                         const gru_allocator *allocator, gru_error *error);

/* Destroys a layer; NULL is allowed. */
GRU_API void gru_layer_destroy(gru_layer *layer);

/* The same in memory of yours: how many bytes a layer needs, and a layer made in them. Such a layer needs no
 * destruction (gru_layer_destroy does nothing); the memory, aligned to GRU_ALIGNMENT, must outlive it. */
GRU_API enum gru_status gru_layer_bytes(const gru_desc *desc, size_t *bytes, gru_error *error);
GRU_API enum gru_status gru_layer_place(gru_layer **layer, const gru_desc *desc, const gru_weights *weights,
                                        void *memory, size_t bytes, gru_error *error);

/* Packs new weights of the same description into an existing layer. No run of it may be under way. */
GRU_API enum gru_status gru_layer_repack(gru_layer *layer, const gru_weights *weights, gru_error *error);

/* The description of a layer, with the back end that was chosen. desc->size must be set. */
GRU_API enum gru_status gru_layer_describe(const gru_layer *layer, gru_desc *desc, gru_error *error);

/* ---------------------------------------------------------------------------------------------------
 * Running
 */

/*
 * Threads. By default a run uses the calling thread alone. Otherwise io.pool names a gru_pool: libgru's own
 * (gru_team_pool), or yours, wrapped in a callback. Its threads share the rows of a batch, the units of a large layer,
 * the directions of a layer or the layers of a stack, or some make the chains over x of steps to come; a run too small
 * for any of this stays in the calling thread. No result depends on it.
 *
 * `run` must call task(argument, i) once for each i in 0 .. count - 1, in any threads, any order, late, one after
 * the other or not at all, and return when each call that it makes has returned. A task never waits for one that
 * has not begun; the caller of gru_run does whatever `run` left undone. It is called from the thread that called
 * gru_run, once or several times a run, with a count of `threads` at most; from several threads at once, if these
 * run with the same pool at once.
 */
typedef struct gru_pool {
    size_t size;    /* sizeof(gru_pool) */
    size_t threads; /* how many tasks can run at once, the caller's thread included; at least 1 */
    void (*run)(void *context, void (*task)(void *argument, size_t i), void *argument, size_t count);
    void *context;
} gru_pool;

/*
 * A team of threads that libgru owns. One run at a time may use a team: a second one, from another thread, does its
 * work alone. Idle threads sleep after 50 us. It takes 5 us to a millisecond to wake one, depending on the system, so a
 * run that finds them asleep wakes them if it will take long beside that, or follows at once on others; else it stays
 * in the calling thread. Which it is the team learns from the runs that it sees. Threads that sleep keep off the CPU of
 * the last call, where the system might leave them waiting: they set their own affinity when they fall asleep and when
 * they wake. They block all signals; their stacks are the system's. In
 * the child of a fork, which has none of them, a team does all work in the calling thread.
 */
typedef struct gru_team gru_team;

/* Starts `threads` - 1 threads (the caller is the other one). 0: as many as the CPUs that this process may use. */
GRU_API enum gru_status gru_team_create(gru_team **team, size_t threads, const gru_allocator *allocator,
                                        gru_error *error);
GRU_API void gru_team_destroy(gru_team *team);
GRU_API const gru_pool *gru_team_pool(const gru_team *team);

/*
 * The states of one layer. State of row b, direction d: h0 + s * h0_row + d * h0_direction, where s is b, or
 * io.index[b] if there is an index. `h0` is the state before the first step (NULL: zeros), `h` receives the state
 * after the last (NULL: not wanted); a row without steps gets its h0, tiny values being +0 as everywhere in a
 * layer. The two may be the same array with the same strides; otherwise they must not overlap. PyTorch's and ONNX's
 * [D, B, H] is row = H, direction = B * H (of a pool of states that io.index points into, number of states * H).
 * Strides of h0 that were forgotten, 0, give all rows, or both directions, the same state.
 *
 * With an index only the states that it names are read and written, so several threads may run rows of one pool at
 * once. `reset` and `gates` are those of row b, whatever its index.
 *
 * `gates`, indexed by GRU_R, GRU_Z, GRU_N, receive each step's gates as they were used (NULL: not wanted): those
 * of step t, row b, direction d at gates[g] + t * gates_step + b * gates_row + d * gates_direction. As in y, t is
 * where the step's x stands, and steps past a row's length give zeros. gates[GRU_R] must be NULL if the layer has no
 * reset.
 */
typedef struct gru_state {
    const float *h0;
    ptrdiff_t h0_row;
    ptrdiff_t h0_direction;
    float *h;
    ptrdiff_t h_row;
    ptrdiff_t h_direction;
    /* What io.reset_mask resets row b to, at reset + b * reset_row + d * reset_direction; NULL: zeros. */
    const float *reset;
    ptrdiff_t reset_row;
    ptrdiff_t reset_direction;
    float *gates[3];
    ptrdiff_t gates_step;
    ptrdiff_t gates_row;
    ptrdiff_t gates_direction;
} gru_state;

/*
 * What a run reads and writes. x of step t, row b, feature k is x[t * x_step + b * x_row + k]: any strides, so
 * time-major and batch-major alike. y the same, H wide, or 2H for a concatenated bidirectional layer; its two halves
 * are y_direction apart (0 means H).
 *
 * Rows of an output must lie apart: where there are several steps, rows or directions, their stride must be at least
 * as wide as a row, in magnitude, and none of those along one stride may come nearer than that to the next along
 * another (with y_step = y_row, a row's second step would be written over the next row's first). Otherwise a run is
 * refused with GRU_BAD_STRIDE. Rows that meet further on aren't found.
 *
 * The outputs, y, h and the gates, must not overlap one another, nor anything that is read: x, h0 (but for h, as said
 * above), state.reset, lengths, index, reset_mask. Of such mistakes only two are found: y == x, and h == h0 with other
 * strides. Who wants no more than a new state leaves y NULL.
 *
 * T = 0 and B = 0 are legal: with T = 0, h receives h0. A workspace is asked for all the same.
 */
typedef struct gru_io {
    size_t size;  /* sizeof(gru_io) */
    size_t steps; /* T */
    size_t rows;  /* B */
    const float *x;
    ptrdiff_t x_step;
    ptrdiff_t x_row;
    float *y; /* NULL: outputs aren't wanted, only the last state */
    ptrdiff_t y_step;
    ptrdiff_t y_row;
    ptrdiff_t y_direction;
    gru_state state;

    /* How many steps row b has (NULL: all have T). Past its length a row's x is never read and its y is zero; its
     * last state is that after its own last step, and h0 if it has none. Work is done for the sum of the lengths. */
    const size_t *lengths;

    /* Row b's state is number index[b] of a pool of `index_count` states (NULL: number b), all of which the strides of
     * h0 and h must suit, however few rows there are. Two rows with the same number read the same state; if h is
     * wanted, all numbers must differ (this isn't checked). */
    const size_t *index;
    size_t index_count;

    /* Where not NULL and reset_mask[t * reset_mask_step + b * reset_mask_row] is not 0, row b's state is replaced by
     * state.reset before its step t (t stands for x's position; in a reverse run too). Past a row's length it says
     * nothing. */
    const uint8_t *reset_mask;
    ptrdiff_t reset_mask_step;
    ptrdiff_t reset_mask_row;

    /* Not 0: the outputs and gates of a reverse direction stand in the order in which they were computed (Keras's
     * go_backwards), y[0] being that of a row's last step. */
    int reversed_output;

    const gru_pool *pool; /* NULL: the calling thread alone */

    /* How many steps have gone through the layer before these in this thread, of whatever streams: count them, adding
     * `steps` after each run (0: none, or not known). A hint, which changes no bit. A cache keeps what was read last of
     * weights that are too large for it, so every other step walks through them backward, and this says which. Without
     * it a run of one step has to guess, and doesn't gain as much. */
    size_t steps_before;
} gru_io;

/*
 * The bytes of workspace that a run of that many steps and rows needs, enough for whatever else the io says, and for
 * runs of fewer steps or rows. Beyond a block of steps the need doesn't grow with their number. From eight rows on it
 * may be up to 4 KiB more for every four rows, and twice as much for a bidirectional layer of some 256 units or fewer
 * (but not if they are summed), for threads. A workspace may have any alignment and any content, needn't be kept
 * between runs, and belongs to one run at a time.
 */
GRU_API enum gru_status gru_workspace_bytes(const gru_layer *layer, size_t steps, size_t rows, size_t *bytes,
                                            gru_error *error);

/* Runs a layer: one step of a batch of rows (steps = 1), a sequence, or a batch of them. */
GRU_API enum gru_status gru_run(const gru_layer *layer, const gru_io *io, void *workspace, size_t workspace_bytes,
                                gru_error *error);

/*
 * Runs a stack of layers, the output of one being the input of the next. `io` is that of the whole stack: x goes into
 * the first layer, y comes from the last; io->state must be zero, states[i] is that of layer i (NULL: all start at zero
 * and nothing is wanted). lengths, index and reset_mask are those of every layer, and so is the pool; reversed_output
 * is that of the last layer alone, its y and its gates. A layer's input size must be the width of the one before. If a
 * layer is reverse or bidirectional, the workspace grows with the number of steps, since the layer above has to wait
 * for its last. Otherwise a pool's threads may take layers of small weights side by side, each some dozens of steps
 * behind the one below; the workspace has room for that, with a pool or without: about as much as all layers' own
 * workspaces, and more with several rows. (In C, an array of gru_layer * is passed as (const gru_layer *const
 * *)layers; C++ needs no cast.)
 */
GRU_API enum gru_status gru_stack_workspace_bytes(const gru_layer *const *layers, size_t count, size_t steps,
                                                  size_t rows, size_t *bytes, gru_error *error);
GRU_API enum gru_status gru_run_stack(const gru_layer *const *layers, size_t count, const gru_io *io,
                                      const gru_state *states, void *workspace, size_t workspace_bytes,
                                      gru_error *error);

/* ---------------------------------------------------------------------------------------------------
 * Building blocks
 *
 * For cells that gru_layer doesn't have. They use the layer's kernels, so a GRU put together from them gives the
 * layer's bits (tests/example_composed.c).
 */

enum gru_activation {
    GRU_ACTIVATION_IDENTITY = 0,
    GRU_ACTIVATION_SIGMOID,
    GRU_ACTIVATION_TANH,
    GRU_ACTIVATION_HARD_SIGMOID
};

/*
 * One gate: out = activation(clip((bx + W x) + (bh + U h))), where x and h are two vectors of any sizes. Without W
 * (inputs = 0) or without U (states = 0) that sum isn't there; with one of them and the identity, a gate is a packed
 * matrix product.
 * As in a layer, values of x, h, weights and biases smaller than 2^-62 in magnitude are read as +0, and so are
 * activations other than the identity when they are written.
 */
typedef struct gru_gate_desc {
    size_t size;   /* sizeof(gru_gate_desc) */
    size_t units;  /* at least 1 */
    size_t inputs; /* of x; 0: no W */
    size_t states; /* of h; 0: no U */
    enum gru_activation activation;
    float hard_alpha; /* as in gru_desc */
    float hard_beta;
    float clip;
    enum gru_tier tier;
    enum gru_weight_type weight_type;
    const gru_backend *backend; /* NULL: as for a layer of so many units */
    gru_matrix w;               /* units x inputs */
    gru_matrix u;               /* units x states */
    gru_vector bx;              /* data NULL: zero */
    gru_vector bh;
} gru_gate_desc;

/* A packed gate: immutable, so any number of threads may run it at once. */
typedef struct gru_gate gru_gate;

GRU_API enum gru_status gru_gate_create(gru_gate **gate, const gru_gate_desc *desc, const gru_allocator *allocator,
                                        gru_error *error);
GRU_API void gru_gate_destroy(gru_gate *gate);
GRU_API enum gru_status gru_gate_workspace_bytes(const gru_gate *gate, size_t rows, size_t *bytes, gru_error *error);

/* out[b * out_row + j] of each row b and unit j, from x[b * x_row + k] and h[b * h_row + k], with which it must not
 * overlap (this isn't checked). x or h must be NULL if the gate has no W or no U (else GRU_MISMATCH). The workspace is
 * as for gru_run. */
GRU_API enum gru_status gru_gate_run(const gru_gate *gate, size_t rows, const float *x, ptrdiff_t x_row, const float *h,
                                     ptrdiff_t h_row, float *out, ptrdiff_t out_row, void *workspace,
                                     size_t workspace_bytes, gru_error *error);

/*
 * The fused update over `count` elements: keep, out = z * h + (1 - z) * n, or replace, out = (1 - z) * h + z * n, each
 * as two fused multiply-adds, so that z = 1 and z = 0 are exact. Values smaller than 2^-62 are read and written as +0.
 * `out` may be one of the inputs; other overlaps are refused.
 */
GRU_API enum gru_status gru_update_blend(const gru_backend *backend, enum gru_update update, size_t count,
                                         const float *z, const float *h, const float *n, float *out, gru_error *error);

/*
 * Sigmoid and tanh over `count` elements. (Here and above a back end must be named, gru_backend_at(0) the best: nothing
 * is chosen in a run.) `y` may be `x`; other overlaps are refused. NaN gives NaN. Results lie within [0, 1] and
 * [-1, 1], small values are kept (tanh x ~ x), a subnormal x gives what a zero of its sign gives.
 */
GRU_API enum gru_status gru_sigmoid(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x,
                                    float *y, gru_error *error);
GRU_API enum gru_status gru_tanh(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x, float *y,
                                 gru_error *error);

#ifdef __cplusplus
}
#endif

#endif
