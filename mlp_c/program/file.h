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
    int handle;
} Replacement;

// All of these print what was wrong and exit with 1 if the system refuses.

// Open a regular file to read, and tell its size in bytes.
FILE *file_open(const char *path, size_t *size);

// Read exactly n bytes.
void file_read(FILE *file, const char *path, void *bytes, size_t n);

// A whole file, with a zero byte behind it; the caller frees.
char *file_content(const char *path, size_t *size);

// Wait until a file, or the names in a folder, are on the disk.
void file_sync(const char *path);

// A new file beside `path`; once it is written, file_replace gives it that name. A lasting one has reached the disk by
// then, and its name when file_replace returns, which takes some milliseconds.
Replacement file_replacement(const char *path, bool lasting);
void file_write(Replacement *replacement, const void *bytes, size_t n);
void file_replace(Replacement *replacement);

#endif
