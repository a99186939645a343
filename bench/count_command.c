/* SPDX-License-Identifier: BSD-2-Clause */
/* count_command.c: `grubench count`: bench/count/run on the grubench-count of this build. */
#include "bench.h"
#include "util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int count_main(int argc, char **argv)
{
    char own[4096];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length < 0)
        fail("/proc/self/exe: %s", strerror(errno));
    own[length] = '\0';
    /* Beside this very program, so that what is counted is the build that was asked. */
    char *program = take_text("%s-count", own);
    /* The script, the program, what was asked, and NULL. */
    char **words = take((size_t)argc + 2, sizeof *words);
    words[0] = take_text("%s", COUNT_SCRIPT);
    words[1] = program;
    for (int i = 1; i < argc; i++)
        words[i + 1] = argv[i];
    execv(words[0], words);
    fail("%s: %s", words[0], strerror(errno));
}
