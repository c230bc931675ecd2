/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - runs a fuzz target over saved inputs, with no fuzzer linked in.
 *
 *   fuzz_NAME [FILE | FOLDER]...
 *
 * Each file, and each file directly inside a folder, is one call of LLVMFuzzerTestOneInput. A path
 * that does not exist counts as an empty corpus; the empty input is always tried. A finding is a
 * crash or a sanitizer report; otherwise the exit code is 0.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int n_replayed;

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    int failed = 1;
    struct stat info;
    uint8_t *data = NULL;
    if (fstat(fileno(file), &info) != 0)
        goto out;
    data = malloc((size_t)info.st_size + 1);
    if (!data)
        goto out;
    size_t len = fread(data, 1, (size_t)info.st_size, file);
    LLVMFuzzerTestOneInput(data, len);
    n_replayed++;
    failed = 0;
out:
    free(data);
    fclose(file);
    return failed;
}

static int replay_folder(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        perror(path);
        return 1;
    }
    int failed = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char child[4096];
        struct stat info;
        snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        if (stat(child, &info) == 0 && S_ISREG(info.st_mode))
            failed |= replay_file(child);
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) != 0)
            continue;
        failed |= S_ISDIR(info.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]);
    }
    printf("%d saved inputs replayed\n", n_replayed);
    return failed;
}
