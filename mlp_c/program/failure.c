#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fail(int status, const char *format, ...) {
    char message[8192];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    for (char *c = message; *c; c++) {
        if ((*c >= 0 && *c < ' ') || *c == 0x7F) {
            *c = '?';  // whatever a file is called or holds, an error stays one line
        }
    }
    fflush(stdout);
    fprintf(stderr, "mlp: %s\n", message);
    exit(status);
}

void *allocate(size_t count, size_t size) {
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory: %zu items of %zu bytes", count, size);
    }
    return memory;
}

char *text_copy(const char *text) { return strcpy(allocate(strlen(text) + 1, 1), text); }
