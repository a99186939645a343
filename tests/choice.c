/* SPDX-License-Identifier: BSD-2-Clause */
/* choice.c: prints the name of the back end that libgru chooses here, so that a script can try one CPU after
 * another. */
#include <gru.h>

#include <stdio.h>

int main(void)
{
    const gru_backend *backend;
    gru_error error;
    if (gru_backend_find(&backend, NULL, &error) != GRU_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    puts(gru_backend_name(backend));
    return 0;
}
