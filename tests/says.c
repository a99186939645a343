/* SPDX-License-Identifier: BSD-2-Clause */
/* says.c: checks the whole text of an error. */
#include "says.h"

#include <stdarg.h>
#include <string.h>

gru_error said;

void says(enum gru_status got, enum gru_status want, const char *file, int line, const char *format, ...)
{
    char text[sizeof said.text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check_that(got == want && said.status == want, file, line, "status %d, in the error %d, instead of %d", (int)got,
               (int)said.status, (int)want);
    check_that(strcmp(said.text, text) == 0, file, line, "'%s' instead of '%s'", said.text, text);
    said = (gru_error){.status = GRU_OK};
}
