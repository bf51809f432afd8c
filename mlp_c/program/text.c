// text.c: texts made in memory.
#include <string.h>

#include "failure.h"
#include "file.h"

FILE *text_open(char **text, size_t *size) {
    FILE *stream = open_memstream(text, size);
    if (stream == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    return stream;
}

void text_close(FILE *stream) {
    if (ferror(stream) || fclose(stream) != 0) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
}

char *shell_word(const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    char *word;
    size_t size;
    if (text[strspn(text, plain)] == '\0') {
        return text_copy(text);
    }
    FILE *file = text_open(&word, &size);
    fputc('\'', file);
    for (; *text != '\0'; text++) { *text == '\'' ? fputs("'\"'\"'", file) : fputc(*text, file); }
    fputc('\'', file);
    text_close(file);
    return word;
}
