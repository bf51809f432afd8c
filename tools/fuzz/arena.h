// arena.h: put before every source of the program when it is fuzzed: it ends by going back to the fuzzer, which then
// frees all that was allocated, and closes all that was opened.
#ifndef NNZ_FUZZ_ARENA_H
#define NNZ_FUZZ_ARENA_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fuzz_exit(int status);
void *fuzz_malloc(size_t size);
void *fuzz_calloc(size_t n, size_t size);
void *fuzz_realloc(void *memory, size_t n);
void fuzz_free(void *memory);
FILE *fuzz_opened(FILE *file);
int fuzz_fclose(FILE *file);

#define exit fuzz_exit
#define malloc fuzz_malloc
#define calloc fuzz_calloc
#define realloc fuzz_realloc
#define free fuzz_free
#define fopen(path, mode) fuzz_opened(fopen(path, mode))
#define fdopen(handle, mode) fuzz_opened(fdopen(handle, mode))
#define fmemopen(text, size, mode) fuzz_opened(fmemopen(text, size, mode))
#define open_memstream(text, size) fuzz_opened(open_memstream(text, size))
#define fclose fuzz_fclose

#endif
