#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failure.h"
#include "file.h"
#include "utf8.h"

static void path_of(char *path, size_t room, const char *folder, const char *split) {
    int n = snprintf(path, room, "%s/%s.txt", folder, split);
    if (n < 0 || (size_t)n >= room) {
        fail(COULD_NOT_BE_DONE, "the path %s is too long", folder);
    }
}

uint32_t *text_read(const char *folder, const char *split, size_t *n) {
    char path[4096];
    size_t size, length;
    path_of(path, sizeof path, folder, split);
    if (access(path, F_OK) != 0) {
        fail(COULD_NOT_BE_DONE, "cannot open %s: %s; a data folder holds train.txt, val.txt and test.txt", path,
             strerror(errno));
    }
    unsigned char *bytes = (unsigned char *)file_content(path, &size);
    uint32_t *text = allocate(size, sizeof *text);
    *n = 0;
    for (size_t i = 0; i < size; i += length) {
        length = utf8_decode(text + *n, bytes + i, size - i);
        if (length == 0) {
            fail(COULD_NOT_BE_DONE, "%s is not UTF-8: bad byte at offset %zu; convert it to UTF-8 first", path, i);
        }
        if (i == 0 && text[0] == 0xFEFF) {
            continue;
        }
        if (*n > 0 && text[*n] == '\n' && text[*n - 1] == '\r') {
            text[--*n] = '\n';
        }
        ++*n;
    }
    free(bytes);
    if (*n == 0) {
        fail(COULD_NOT_BE_DONE, "%s is empty: it must hold some text", path);
    }
    return text;
}

static int ascending(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

Vocabulary vocabulary_of(const uint32_t *text, size_t n) {
    Vocabulary vocabulary = {allocate(n, sizeof(uint32_t)), 0};
    memcpy(vocabulary.characters, text, n * sizeof *text);
    qsort(vocabulary.characters, n, sizeof *text, ascending);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || vocabulary.characters[i] != vocabulary.characters[vocabulary.size - 1]) {
            vocabulary.characters[vocabulary.size++] = vocabulary.characters[i];
        }
    }
    return vocabulary;
}

void vocabulary_free(Vocabulary *vocabulary) { free(vocabulary->characters); }

int32_t vocabulary_token(const Vocabulary *vocabulary, uint32_t character) {
    const uint32_t *all = vocabulary->characters;
    const uint32_t *found = bsearch(&character, all, vocabulary->size, sizeof *all, ascending);
    return found == NULL ? -1 : (int32_t)(found - all);
}

Tape tape_of(const Vocabulary *vocabulary, uint32_t *text, size_t n, const char *folder, const char *split) {
    Tape tape = {allocate(n, sizeof(int32_t)), n};
    for (size_t i = 0; i < n; i++) {
        tape.tokens[i] = vocabulary_token(vocabulary, text[i]);
        if (tape.tokens[i] < 0) {
            fail(COULD_NOT_BE_DONE,
                 "%s/%s.txt: character U+%04X at position %zu is not among the %zu characters of the vocabulary: "
                 "leave it out, or train on a text that holds it",
                 folder, split, (unsigned)text[i], i, vocabulary->size);
        }
    }
    free(text);
    return tape;
}

char *text_of(const Vocabulary *vocabulary, const int32_t *tokens, size_t n) {
    unsigned char *text = allocate(4 * n + 1, 1), *end = text;
    for (size_t i = 0; i < n; i++) {
        end += utf8_encode(end, tokens[i] < 0 ? '\n' : vocabulary->characters[tokens[i]]);
    }
    return (char *)text;
}
