// memory_files.h: file.h, folder.h and what else the program asks of a disk, by files in memory: a browser has no disk.
#ifndef NNZ_MEMORY_FILES_H
#define NNZ_MEMORY_FILES_H

#include <stddef.h>

typedef struct {
    char name[64];
    char *bytes;
    size_t n;
} MemoryFile;

// The file of this name, or NULL.
MemoryFile *memory_file(const char *name);

// A file of these bytes, in place of one of the same name. They become its own; NULL and 0 for an empty one.
MemoryFile *memory_file_put(const char *name, char *bytes, size_t n);

#endif
