// summary.c: what is in a data set, in a few lines, to read before it is trained on.
#define _XOPEN_SOURCE 700  // realpath
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "failure.h"
#include "without_posix.h"

enum { FEW_LINES = 100, FEW_TOKENS = 1000 };  // a val loss of fewer says little

typedef struct {
    const int32_t *tokens;
    size_t n;
    int split;
} Line;

static int by_tokens(const Line *x, const Line *y) {
    const int order = memcmp(x->tokens, y->tokens, (x->n < y->n ? x->n : y->n) * sizeof *x->tokens);
    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

static int by_tokens_and_split(const void *a, const void *b) {
    const Line *x = a, *y = b;
    const int order = by_tokens(x, y);
    return order != 0 ? order : x->split - y->split;
}

static size_t count_lines(const Tape *tape, int32_t end) {
    size_t count = 0;
    for (size_t i = 0; i < tape->n; i++) { count += tape->tokens[i] == end; }
    return count;
}

// The lines of a tape, each of which ends with `end`; returns where the next ones go.
static Line *add_lines(Line *lines, const Tape *tape, int32_t end, int split) {
    for (size_t i = 0, begin = 0; i < tape->n; i++) {
        if (tape->tokens[i] == end) {
            *lines++ = (Line){tape->tokens + begin, i - begin, split};
            begin = i + 1;
        }
    }
    return lines;
}

// Of two fractions, and of any two files that are the same.
static bool has_one_split_twice(const Dataset *data) {
    const Tape *val = &data->val, *test = &data->test;
    return val->n == test->n && memcmp(val->tokens, test->tokens, val->n * sizeof *val->tokens) == 0;
}

static void describe_lines(const Dataset *data, size_t count) {
    Line *lines = allocate(count, sizeof *lines), *end = add_lines(lines, &data->train, data->end, 0);
    end = add_lines(end, &data->val, data->end, 1);
    if (!has_one_split_twice(data)) {
        end = add_lines(end, &data->test, data->end, 2);
    }
    qsort(lines, (size_t)(end - lines), sizeof *lines, by_tokens_and_split);
    size_t repeated = 0, several = 0;
    bool counted = false;  // as one of several splits
    for (const Line *line = lines + 1; line < end; line++) {
        const bool same_line = by_tokens(line - 1, line) == 0, same_split = line[-1].split == line->split;
        repeated += same_line && same_split;
        several += same_line && !same_split && !counted;
        counted = same_line && (counted || !same_split);
    }
    free(lines);
    const char *const facts[] = {"empty and dropped", "repeated within a split", "in more than one split"};
    const size_t counts[] = {data->empty_lines, repeated, several};
    char text[256] = "", shown[COUNT_TEXT];
    for (int i = 0; i < 3; i++) {
        if (counts[i] > 0) {
            const size_t n = strlen(text);
            snprintf(text + n, sizeof text - n, "%s%s %s", n > 0 ? ", " : "", count_text(shown, counts[i]), facts[i]);
        }
    }
    if (*text != '\0') {
        note("of the lines: %s", text);
    }
}

static void describe_documents(const Dataset *data, int64_t context_length, bool twice) {
    const size_t train = documents_cut(data->train.documents), val = documents_cut(data->val.documents);
    const size_t test = documents_cut(data->test.documents);
    char shown[3][COUNT_TEXT];
    if (train + val + test > 0) {
        note("documents longer than context_length %" PRId64 ", of which the rest is not seen: train %s, val %s%s%s",
             context_length, count_text(shown[0], train), count_text(shown[1], val), twice ? "" : ", test ",
             twice ? "" : count_text(shown[2], test));
    }
}

void dataset_describe(const Dataset *data, const Settings *settings) {
    const bool is_list = data->end >= 0;
    const Tape *tapes[] = {&data->train, &data->val, &data->test};
    char shown[3][COUNT_TEXT], tests[COUNT_TEXT + 8], size[COUNT_TEXT], *path = realpath(settings->data, NULL);
    size_t counts[3];
    for (int i = 0; i < 3; i++) {
        counts[i] = is_list ? count_lines(tapes[i], data->end) : tapes[i]->n;
        count_text(shown[i], counts[i]);
    }
    const bool twice = has_one_split_twice(data);
    snprintf(tests, sizeof tests, ", test %s", shown[2]);
    const char *slash = path == NULL ? NULL : strrchr(path, '/'), *name = slash == NULL ? settings->data : slash + 1;
    const size_t length = strlen(name), end = length >= 4 && strcmp(name + length - 4, ".txt") == 0 ? 4 : 0;
    note("%.*s: a %s, %s characters; %s: train %s, val %s%s%s", (int)(length - end), name, is_list ? "list" : "text",
         count_text(size, data->vocabulary.size), is_list ? "lines" : "tokens", shown[0], twice ? "= test " : "",
         shown[1], twice ? "" : tests);
    free(path);
    if (is_list) {
        describe_lines(data, counts[0] + counts[1] + counts[2]);
    }
    if (counts[1] < (is_list ? FEW_LINES : FEW_TOKENS)) {
        note("val has only %s %s%s: expect noise in val_loss", shown[1], is_list ? "line" : "token",
             counts[1] > 1 ? "s" : "");
    }
    if (data->train.documents != NULL) {
        describe_documents(data, settings->context_length, twice);
    }
}
