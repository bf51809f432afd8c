// file.h: files that are read whole or refused, and files that are at every instant the old one or the new one.
#ifndef NNZ_FILE_H
#define NNZ_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct {
    const char *path;
    char temporary[4096];
    bool lasting;
    FILE *stream;  // to write to
} Replacement;

// All of these print what was wrong and exit with 1 if the system refuses.

// Open a regular file to read, and tell its size in bytes.
FILE *file_open(const char *path, size_t *size);

// Read exactly n bytes.
void file_read(FILE *file, const char *path, void *bytes, size_t n);

// A new file beside `path`; once it is written, file_replace gives it that name. A lasting one has reached the disk by
// then, and its name when file_replace returns, which takes some milliseconds.
Replacement file_replacement(const char *path, bool lasting);
void file_replace(Replacement *replacement);

#endif
