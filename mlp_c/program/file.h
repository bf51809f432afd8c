// file.h: files that are read whole or refused, files that are written whole or not at all, and texts made in memory.
//
// All of these print what was wrong and exit with 1 if the system refuses.
#ifndef NNZ_FILE_H
#define NNZ_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { PATH_SIZE = 4096 };

// Whether there is something of this name, and whether it is a folder. Why not is in errno.
bool path_exists(const char *path);
bool path_is_folder(const char *path);

// Open a regular file to read, and tell its size in bytes.
FILE *file_open(const char *path, size_t *size);

// Read exactly n bytes.
void file_read(FILE *file, const char *path, void *bytes, size_t n);

// The most bytes of a text and of a log, as common/files/inputs.py has them.
#define MOST_OF_A_TEXT ((size_t)1 << 31)
#define MOST_OF_A_LOG ((size_t)1 << 30)

// A whole file of at most `limit` bytes, with a zero byte behind it; the caller frees.
char *file_content(const char *path, size_t limit, size_t *size);

// Wait until a file, or the names in a folder, are on the disk.
void file_sync(const char *path);

// A new file next to `path`, which gets that name when it is committed: at every instant `path` is the old file or the
// new one. A durable one is on the disk by then, and its name when atomic_commit returns, which takes some
// milliseconds.
typedef struct {
    const char *path;
    char temporary[PATH_SIZE];
    bool durable;
    int handle;
} AtomicFile;

AtomicFile atomic_open(const char *path, bool durable);
void atomic_write(AtomicFile *file, const void *bytes, size_t n);
void atomic_commit(AtomicFile *file);

// All three at once, for a durable file.
void file_replace(const char *path, const void *bytes, size_t n);

// A stream into a text that grows as needed and is there after text_close; the caller frees it.
FILE *text_open(char **text, size_t *size);
void text_close(FILE *stream);

// A text as a shell takes it for one word, as Python's shlex.quote writes it; the caller frees.
char *shell_word(const char *text);

#endif
