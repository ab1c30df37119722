/* SPDX-License-Identifier: MIT */
/* main() of a fuzz target without libFuzzer: runs it once over each file given as an argument. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes are copied to a block of their own size, so that a sanitizer sees a read past the end. */
static void run_file(const char *path)
{
    g_autofree char *text = NULL;
    size_t len = 0;

    if (!g_file_get_contents(path, &text, &len, NULL)) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    uint8_t *exact = malloc(len ? len : 1);
    g_assert(exact);
    memcpy(exact, text, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    return 0;
}
