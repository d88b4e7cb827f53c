/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files: the third build, which needs no fuzzer. */
#include "fuzz.h"

static int replay(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (file == NULL) {
        perror(path);
        return 1;
    }
    size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    return LLVMFuzzerTestOneInput(bytes, size);
}

int main(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (replay(argv[i]) != 0) {
            return 1;
        }
    }
    printf("%d\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
