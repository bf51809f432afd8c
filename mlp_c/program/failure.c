#include "failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

enum { SHOWN = 8 };  // bytes that one character may take: \\u202e, and the zero

// Write the first character of a text as a terminal may get it, and return where the next one begins. What a terminal
// obeys, and does not show, is written as Python does, which has the same list in common/files/errors.py; so is a byte
// that is not UTF-8.
static const unsigned char *show_one(char shown[SHOWN], const unsigned char *c) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t n = *c < 0x80 ? 1 : *c < 0xE0 ? 2 : *c < 0xF0 ? 3 : 4;
    uint32_t code = n == 1 ? *c : *c & (0x7FU >> n);
    size_t whole = *c < 0x80 || (*c >= 0xC2 && *c <= 0xF4);
    for (; whole > 0 && whole < n && c[whole] >> 6 == 2; whole++) { code = code << 6 | (c[whole] & 0x3FU); }
    if (whole < n || code < least[n] || code > 0x10FFFF || code >> 11 == 0xD800 >> 11) {
        snprintf(shown, SHOWN, "\\udc%02x", *c);
        return c + 1;
    }
    const bool control = (code < ' ' && code != '\n' && code != '\t') || (code >= 0x7F && code < 0xA0);
    const bool turns = code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
                       (code >= 0x2066 && code <= 0x2069);  // the direction of writing
    if (control || turns) {
        snprintf(shown, SHOWN, code == '\r' ? "\\r" : control ? "\\x%02x" : "\\u%04x", (unsigned)code);
    } else {
        memcpy(shown, c, n);
        shown[n] = '\0';
    }
    return c + n;
}

void print_shown(FILE *file, const char *text) {
    char shown[SHOWN];
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0';) {
        c = show_one(shown, c);
        fputs(shown, file);
    }
}

static void say(const char *before, const char *format, va_list values) {
    static char message[8192], line[6 * sizeof message];  // not on the stack, which may be small
    vsnprintf(message, sizeof message, format, values);
    char *end = line;
    for (const unsigned char *c = (const unsigned char *)message; *c != '\0'; end += strlen(end)) {
        c = *c == '\n' || *c == '\r' ? (memcpy(end, " ", 2), c + 1) : show_one(end, c);
    }
    fflush(stdout);
    progress_clear();
    fprintf(stderr, "%s%s\n", before, line);
}

void note(const char *format, ...) {
    va_list values;
    va_start(values, format);
    say("", format, values);
    va_end(values);
}

_Noreturn void fail(int status, const char *format, ...) {
    va_list values;
    va_start(values, format);
    say("mlp: ", format, values);
    va_end(values);
    exit(status);
}

// common/files/errors.py has the same list.
static const char *remedy(int reason) {
    switch (reason) {
        case ENOENT:
        case ENOTDIR:
        case EISDIR:
        case ELOOP: return "check the path";
        case EEXIST:
        case ENOTEMPTY:
        case ENAMETOOLONG: return "give another path";
        case EACCES:
        case EPERM:
        case EROFS: return "check its permissions, or give another path";
        case ENOSPC:
        case EDQUOT:
        case EFBIG: return "make space there, or give another path";
        default: return "check the path, its disk and its permissions";
    }
}

_Noreturn void fail_at(const char *what, const char *path, int reason) {
    fail(COULD_NOT_BE_DONE, "%s%s: %s; %s", what, path, strerror(reason), remedy(reason));
}

const char *count_text(char text[COUNT_TEXT], size_t count) {
    char digits[COUNT_TEXT], *end = text;
    const int n = snprintf(digits, sizeof digits, "%zu", count);
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            *end++ = ',';
        }
        *end++ = digits[i];
    }
    *end = '\0';
    return text;
}

void *allocate(size_t count, size_t size) {
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory: %zu items of %zu bytes", count, size);
    }
    return memory;
}

char *text_copy(const char *text) { return strcpy(allocate(strlen(text) + 1, 1), text); }
