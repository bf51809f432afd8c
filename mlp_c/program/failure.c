#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void fail(int status, const char *format, ...) {
    va_list values;
    va_start(values, format);
    fflush(stdout);
    fputs("mlp: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(status);
}

void *allocate(size_t count, size_t size) {
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory: %zu items of %zu bytes", count, size);
    }
    return memory;
}
