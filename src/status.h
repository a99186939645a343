/* SPDX-License-Identifier: BSD-2-Clause */
/* status.h: how the library reports failure, and how it reads structs of older and newer callers. */
#ifndef GRU_STATUS_H
#define GRU_STATUS_H

#include <gru.h>

#if defined(__GNUC__)
#define GRU_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define GRU_PRINTF(text, first)
#endif

/*
 * Fills `error` (which may be NULL) and returns `status`, so that a check is one statement:
 *
 *     if (rows > limit)
 *         return gru_fail(error, GRU_BAD_VALUE, "rows is %zu, but at most %zu fit", rows, limit);
 *
 * The text is one sentence without a full stop that carries the values. What is too long is cut, at a whole UTF-8
 * character. The arguments must not point into `error`.
 */
enum gru_status gru_fail(gru_error *error, enum gru_status status, const char *format, ...) GRU_PRINTF(3, 4);

/*
 * Copies a public struct that starts with its own size. `known` is sizeof(*to) here, `from->size` what it was for the
 * caller. A shorter struct is from an older caller: the fields that it lacks become zero, which is always the default.
 * A longer one is from a newer caller, and is understood only if all that is unknown here is zero. to->size becomes
 * `known`. Messages call the struct `name`: its type ("gru_desc"), or what the caller would write ("weights[1]").
 * Nothing is written to `to` on failure.
 */
enum gru_status gru_read_struct(void *to, size_t known, const void *from, const char *name, gru_error *error);

/*
 * The other way: gives the caller's struct the fields that it has room for, and keeps its size field. `to->size` is
 * judged as above; if it is larger than `known`, the rest becomes zero.
 */
enum gru_status gru_write_struct(void *to, const void *from, size_t known, const char *name, gru_error *error);

#endif
