// allocations.c: linked with --wrap, it lets the N-th allocation fail, N being FAIL_ALLOCATION; 0 or nothing: none.
#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t n);
FILE *__real_open_memstream(char **text, size_t *size);

static long left = -1;

// What counts the branches that were taken allocates too, at the very end.
static void fail_no_more(void) { left = 0; }

static int fails(void) {
    if (left < 0) {
        const char *which = getenv("FAIL_ALLOCATION");
        left = which == NULL ? 0 : atol(which);
        atexit(fail_no_more);
    }
    return left > 0 && --left == 0;
}

void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *memory, size_t n) { return fails() ? NULL : __real_realloc(memory, n); }
FILE *__wrap_open_memstream(char **text, size_t *size) { return fails() ? NULL : __real_open_memstream(text, size); }
