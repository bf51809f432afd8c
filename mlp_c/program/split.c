// split.c: the text of one file as train, val and test.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "failure.h"
#include "mersenne_twister.h"

enum { SPLIT_SEED = 1337, DECIMALS = 18 };

// What is cut: the characters of a text, or its lines in some order.
typedef struct {
    const Text *text;
    size_t n, *begins, *order;  // begins (n+1,) of the lines; of characters both are NULL
} Pieces;

// A fraction as the decimal that it is written as, in units of 10^-18: the sum of two is exact.
static uint64_t decimal(double fraction) {
    char text[NUMBER_TEXT];
    uint64_t number = 0;
    int decimals = 0, after_point = 0;
    const char *c = number_text(text, fraction);
    for (; *c != '\0' && *c != 'e'; c++) {
        if (*c == '.') {
            after_point = 1;
        } else {
            number = number * 10 + (uint64_t)(*c - '0'), decimals += after_point;
        }
    }
    decimals -= *c == 'e' ? atoi(c + 1) : 0;
    for (; decimals < DECIMALS; decimals++) { number *= 10; }
    for (; decimals > DECIMALS; decimals--) { number /= 10; }
    return number;
}

// floor(n number / 10^18), exactly
static size_t share(size_t n, uint64_t number) {
    size_t floor = 0;
    for (int i = 0; i < DECIMALS; i++, number /= 10) { floor = (floor + n * (number % 10)) / 10; }
    return number > 0 ? n : floor;
}

// Where train, val and test end; whether each has a piece. With two fractions val and test are the same.
static bool cut(size_t ends[3], size_t n, const double fractions[3]) {
    const uint64_t train = decimal(fractions[0]);
    ends[0] = share(n, train), ends[1] = share(n, train + decimal(fractions[1])), ends[2] = n;
    return ends[0] > 0 && ends[1] > ends[0] && (ends[2] > ends[1] || fractions[2] <= 0);
}

static _Noreturn void refuse(const Settings *s, const Pieces *pieces) {
    static const double shares[][3] = {
        {0.8, 0.1, 0.1}, {0.6, 0.2, 0.2}, {0.4, 0.3, 0.3}};  // offered where one is empty
    const double *f = s->fractions;
    const char *unit = pieces->begins == NULL ? "characters" : "lines";
    char asked[96], remedy[96];
    size_t ends[3];
    snprintf(asked, sizeof asked, f[2] > 0 ? "%g,%g,%g" : "%g,%g", f[0], f[1], f[2]);
    snprintf(remedy, sizeof remedy, "take one with more %s", unit);
    for (size_t i = sizeof shares / sizeof *shares; i-- > 0;) {
        if (cut(ends, pieces->n, shares[i])) {
            snprintf(remedy, sizeof remedy, "add --set 'data.fractions=[%g,%g,%g]'", shares[i][0], shares[i][1],
                     shares[i][2]);
        }
    }
    fail(COULD_NOT_BE_DONE, "%s has %zu %.*s, too few to be split by [%s]; %s", s->data, pieces->n,
         (int)strlen(unit) - (pieces->n == 1), unit, asked, remedy);
}

// Shuffle by Fisher and Yates, from the top.
static void shuffle(size_t *order, size_t n) {
    RNG rng = {SPLIT_SEED};
    for (size_t i = n - 1; i > 0; i--) {
        const size_t j = (size_t)((uint64_t)(rng_u32(&rng) >> 8) * (i + 1) >> 24), last = order[i];
        order[i] = order[j], order[j] = last;
    }
}

// The lines, in the order that is asked for.
static Pieces lines_of(const Text *text, const Settings *s) {
    const uint32_t *c = text->characters, newline = '\n';
    size_t n = 1;
    for (size_t i = 0; i + 1 < text->n; i++) { n += c[i] == newline; }
    Pieces lines = {text, n, allocate(n + 1, sizeof(size_t)), allocate(n, sizeof(size_t))};
    for (size_t i = 0, line = 1; i + 1 < text->n; i++) {
        if (c[i] == newline) {
            lines.begins[line++] = i + 1;
        }
    }
    lines.begins[n] = text->n + (c[text->n - 1] != newline);  // with the newline that the last one may lack
    for (size_t i = 0; i < n; i++) { lines.order[i] = i; }
    if (is(s->split, "lines")) {
        shuffle(lines.order, n);
    } else if (is(s->split, "python")) {  // by the seed that draws the weights too
        MersenneTwister twister = twister_init(s->seed);
        twister_shuffle(&twister, lines.order, n);
    }
    return lines;
}

// The pieces from `first` on, before `end`, one after the other.
static Text part(const Pieces *p, size_t first, size_t end) {
    const Text *text = p->text;
    if (p->begins == NULL) {
        Text part = {allocate(end - first, sizeof(uint32_t)), end - first};
        memcpy(part.characters, text->characters + first, part.n * sizeof(uint32_t));
        return part;
    }
    Text part = {allocate(text->n + 1, sizeof(uint32_t)), 0};
    for (size_t i = first; i < end; i++) {
        const size_t begin = p->begins[p->order[i]], n = p->begins[p->order[i] + 1] - begin;
        memcpy(part.characters + part.n, text->characters + begin, (n - 1) * sizeof(uint32_t));
        part.n += n;
        part.characters[part.n - 1] = '\n';
    }
    return part;
}

void split_text(const Text *text, const Settings *s, Text parts[3]) {
    const bool whole_lines = !is(s->split, "position") || is(s->data_kind, "list");
    const Pieces pieces = whole_lines ? lines_of(text, s) : (Pieces){text, text->n, NULL, NULL};
    size_t ends[3];
    if (!cut(ends, pieces.n, s->fractions)) {
        refuse(s, &pieces);
    }
    parts[0] = part(&pieces, 0, ends[0]);
    parts[1] = part(&pieces, ends[0], ends[1]);
    parts[2] = s->fractions[2] > 0 ? part(&pieces, ends[1], ends[2]) : part(&pieces, ends[0], ends[1]);
    free(pieces.begins), free(pieces.order);
}
