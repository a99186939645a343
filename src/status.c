/* SPDX-License-Identifier: BSD-2-Clause */
/* status.c: status texts, error messages, the library's version, and structs of older and newer callers. */
#include "status.h"

#include "size.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QUOTE(text) #text
#define QUOTE_VALUE(macro) QUOTE(macro)

/*
 * No public struct comes near this many bytes. A size beyond it is an uninitialised field, and reading that far
 * past the caller's struct to see whether the rest is zero would do harm.
 */
enum { LARGEST_STRUCT = 4096 };

static const char *const texts[GRU_STATUS_COUNT] = {
    [GRU_OK] = "no error",
    [GRU_NULL_POINTER] = "a pointer that is needed is NULL",
    [GRU_BAD_STRUCT] = "a struct's size field is wrong, or it has unknown fields that aren't zero",
    [GRU_ZERO_SIZE] = "a size is zero that mustn't be",
    [GRU_OVERFLOW] = "a product of sizes doesn't fit in memory's address range",
    [GRU_BAD_ENUM] = "an enum field has an unknown value",
    [GRU_BAD_VALUE] = "a number is out of its range",
    [GRU_BAD_BIAS] = "the biases given aren't those that the description announces",
    [GRU_BAD_DIALECT] = "the dialect of the weights contradicts the description",
    [GRU_BAD_STRIDE] = "an output's stride would make its rows overlap",
    [GRU_BAD_LENGTH] = "a row's length is greater than the number of steps",
    [GRU_BAD_INDEX] = "a row's state index is outside the pool of states",
    [GRU_BAD_ALIGNMENT] = "memory isn't aligned as it must be",
    [GRU_SMALL_MEMORY] = "a workspace or a layer's memory is too small",
    [GRU_MISMATCH] = "the sizes of two objects that meet don't agree",
    [GRU_OVERLAP] = "two arrays overlap in a way that isn't allowed",
    [GRU_UNKNOWN_BACKEND] = "no back end has this name",
    [GRU_MISSING_BACKEND] = "the back end isn't in this build or doesn't run on this CPU",
    [GRU_UNSUPPORTED] = "a combination that this CPU or this version can't do",
    [GRU_NO_MEMORY] = "out of memory",
    [GRU_NO_THREAD] = "the system refused to start a thread",
};

const char *gru_status_text(enum gru_status status)
{
    /* Through unsigned, since a caller may pass any int and whether an enum is signed is the compiler's choice. */
    unsigned i = (unsigned)status;
    return i < GRU_STATUS_COUNT ? texts[i] : "an unknown status";
}

const char *gru_version(void)
{
    return QUOTE_VALUE(GRU_VERSION_MAJOR) "." QUOTE_VALUE(GRU_VERSION_MINOR) "." QUOTE_VALUE(GRU_VERSION_PATCH);
}

int gru_arithmetic(void)
{
    return GRU_ARITHMETIC;
}

/* Takes away the torn first bytes of a UTF-8 character that a cut has left at the end of a text of `length` bytes. */
static void mend_end(char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (length - (start - 1) < wanted)
        text[start - 1] = '\0';
}

enum gru_status gru_fail(gru_error *error, enum gru_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    error->status = status;
    if (length < 0) /* an encoding error of the C library: the text is unspecified then */
        snprintf(error->text, sizeof error->text, "%s", gru_status_text(status));
    else if ((size_t)length >= sizeof error->text)
        mend_end(error->text, sizeof error->text - 1);
    return status;
}

/*
 * Reads and judges the size that a struct starts with. A struct that is nothing but its size isn't one of an older
 * version, of which there is none, but `sizeof io` where io is a pointer; taken for a struct of zeros, a gru_io would
 * be a run of no rows, which succeeds and does nothing. Besides being too small or absurd a size can be odd: sizeof is
 * a multiple of the alignment, and each of these structs holds a size_t, so anything else would cut a field in two.
 */
static enum gru_status read_size(size_t *size, const void *from, const char *name, gru_error *error)
{
    if (from == NULL)
        return gru_fail(error, GRU_NULL_POINTER, "the %s is NULL", name);
    memcpy(size, from, sizeof *size);
    if (*size <= sizeof(size_t))
        return gru_fail(error, GRU_BAD_STRUCT, "%s.size is %zu: set it to sizeof(%s)", name, *size, name);
    if (*size > LARGEST_STRUCT || *size % _Alignof(size_t) != 0)
        return gru_fail(error, GRU_BAD_STRUCT, "%s.size is %zu, which it can't be: set it to sizeof(%s)", name, *size,
                        name);
    return GRU_OK;
}

enum gru_status gru_read_struct(void *to, size_t known, const void *from, const char *name, gru_error *error)
{
    size_t size = 0;
    enum gru_status status = read_size(&size, from, name, error);
    if (status != GRU_OK)
        return status;
    const unsigned char *bytes = from;
    for (size_t i = known; i < size; i++) {
        if (bytes[i] != 0)
            return gru_fail(error, GRU_BAD_STRUCT,
                            "%s has %zu bytes, of which libgru %s knows %zu, and byte %zu is %u instead of 0: "
                            "it sets a field that this version doesn't know, or wasn't zeroed",
                            name, size, gru_version(), known, i, (unsigned)bytes[i]);
    }
    size_t given = gru_least(size, known);
    memcpy(to, from, given);
    memset((unsigned char *)to + given, 0, known - given);
    memcpy(to, &known, sizeof known);
    return GRU_OK;
}

enum gru_status gru_write_struct(void *to, const void *from, size_t known, const char *name, gru_error *error)
{
    size_t size = 0;
    enum gru_status status = read_size(&size, to, name, error);
    if (status != GRU_OK)
        return status;
    size_t given = gru_least(size, known);
    memcpy(to, from, given);
    memset((unsigned char *)to + given, 0, size - given);
    memcpy(to, &size, sizeof size);
    return GRU_OK;
}
