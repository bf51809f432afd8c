// text.c: texts made in memory.
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "file.h"

#ifdef _WIN32  // has no open_memstream: the text is in a file without a name until it is closed

enum { MOST_TEXTS = 8 };  // at a time

static struct {
    FILE *stream;
    char **text;
    size_t *size;
} texts[MOST_TEXTS];

static FILE *open_memstream(char **text, size_t *size) {
    for (size_t i = 0; i < MOST_TEXTS; i++) {
        if (texts[i].stream == NULL) {
            texts[i].stream = tmpfile(), texts[i].text = text, texts[i].size = size;
            return texts[i].stream;
        }
    }
    return NULL;
}

static int close_memstream(FILE *stream) {
    size_t i = 0;
    while (texts[i].stream != stream) { i++; }
    const size_t size = *texts[i].size = (size_t)ftell(stream);
    char *text = *texts[i].text = allocate(size + 1, 1);
    rewind(stream), texts[i].stream = NULL;
    const bool whole = fread(text, 1, size, stream) == size;
    return fclose(stream) == 0 && whole ? 0 : EOF;
}

#else
#define close_memstream fclose
#endif

FILE *text_open(char **text, size_t *size) {
    FILE *stream = open_memstream(text, size);
    if (stream == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    return stream;
}

void text_close(FILE *stream) {
    if (ferror(stream) || close_memstream(stream) != 0) {
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
