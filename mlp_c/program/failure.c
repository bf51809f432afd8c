#include "failure.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Put a ? in place of control characters, which a terminal would obey, and of bytes that are not UTF-8.
static void make_printable(char *text) {
    const unsigned char *c = (const unsigned char *)text;
    do {
        const size_t n = *c < 0x80 ? 1 : *c < 0xE0 ? 2 : *c < 0xF0 ? 3 : 4;
        size_t whole = *c < 0x80 || (*c >= 0xC2 && *c <= 0xF4);
        while (whole > 0 && whole < n && c[whole] >> 6 == 2) { whole++; }
        const bool control = (*c < ' ' && *c != '\0') || *c == 0x7F || (*c == 0xC2 && c[1] < 0xA0);
        if (whole < n || control) {
            *text++ = '?', c += whole == n ? n : 1;
        } else {
            memmove(text, c, n);
            text += n, c += n;
        }
    } while (text[-1] != '\0');
}

static void say(const char *format, va_list values) {
    static char message[8192];  // not on the stack, which may be small
    vsnprintf(message, sizeof message, format, values);
    make_printable(message);
    fflush(stdout);
    fprintf(stderr, "mlp: %s\n", message);
}

void note(const char *format, ...) {
    va_list values;
    va_start(values, format);
    say(format, values);
    va_end(values);
}

_Noreturn void fail(int status, const char *format, ...) {
    va_list values;
    va_start(values, format);
    say(format, values);
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

char *text_copy(const char *text) { return strcpy(allocate(strlen(text) + 1, 1), text); }
