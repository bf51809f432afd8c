// documents.c: each line of a tape on its own, in batches of one length, as common/text/documents.py has them.
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "failure.h"

struct Documents {
    size_t n, T, cut;            // documents, the context, and how many are longer
    size_t *begins;              // (n+1,): where they begin on the tape; the token before is the end of another
    size_t *by_length, *places;  // (n,): all numbers, those of a length next to each other; where each is in these
    size_t *firsts;              // (T+2,): the first place of each length
};

static size_t length(const Documents *d, size_t i) {
    const size_t whole = d->begins[i + 1] - d->begins[i];
    return whole < d->T ? whole : d->T;
}

Documents *documents_new(const Tape *tape, size_t T) {
    const int32_t end = tape->tokens[tape->n - 1];
    Documents *d = allocate(1, sizeof *d);
    *d =
        (Documents){.T = T, .begins = allocate(tape->n + 1, sizeof(size_t)), .firsts = allocate(T + 2, sizeof(size_t))};
    for (size_t i = 0; i < tape->n; i++) {
        if (tape->tokens[i] == end) {
            d->begins[++d->n] = i + 1;
        }
    }
    d->by_length = allocate(d->n, sizeof(size_t)), d->places = allocate(d->n, sizeof(size_t));
    for (size_t i = 0; i < d->n; i++) {
        d->firsts[length(d, i) + 1]++;
        d->cut += d->begins[i + 1] - d->begins[i] > T;
    }
    for (size_t n = 1; n <= T + 1; n++) { d->firsts[n] += d->firsts[n - 1]; }
    size_t *next = allocate(T + 2, sizeof *next);
    memcpy(next, d->firsts, (T + 2) * sizeof *next);
    for (size_t i = 0; i < d->n; i++) {
        d->places[i] = next[length(d, i)]++;
        d->by_length[d->places[i]] = i;
    }
    free(next);
    return d;
}

void documents_free(Documents *d) {
    if (d != NULL) {
        free(d->begins), free(d->by_length), free(d->places), free(d->firsts), free(d);
    }
}

size_t documents_cut(const Documents *d) { return d->cut; }

// Put document i into row b of the batch. It is predicted from the end of the one before it, which all share, on.
static void load(Loader *l, size_t b, size_t i) {
    const int32_t *line = l->tape->tokens + l->tape->documents->begins[i];
    int32_t *inputs = l->inputs + b * l->T, *targets = l->targets + b * l->T;
    inputs[0] = l->tape->tokens[l->tape->n - 1];
    memcpy(inputs + 1, line, (l->T - 1) * sizeof *line);
    memcpy(targets, line, l->T * sizeof *line);
}

// Document `position` modulo their number and the next ones of its length, after the last the first; or one that is
// drawn from all, and others from those of its length.
void documents_next(Loader *l) {
    const Documents *d = l->tape->documents;
    const size_t i = l->random ? (size_t)((uint64_t)rng_u32(&l->rng) * d->n >> 32) : l->position++ % d->n;
    const size_t place = d->places[i];
    l->T = length(d, i);
    const size_t first = d->firsts[l->T], count = d->firsts[l->T + 1] - first;
    load(l, 0, i);
    for (size_t b = 1; b < l->B; b++) {
        const size_t other =
            l->random ? (size_t)((uint64_t)rng_u32(&l->rng) * count >> 32) : (place - first + b) % count;
        load(l, b, d->by_length[first + other]);
    }
}

// The shortest first; of a part of them those whose numbers are below as many as fill these batches.
bool documents_next_once(Loader *l, size_t batches) {
    const Documents *d = l->tape->documents;
    const size_t limit = batches > 0 ? batches * l->capacity : d->n;
    for (l->B = 0; l->position < d->n && l->B < l->capacity; l->position++) {
        const size_t i = d->by_length[l->position];
        if (i < limit) {
            if (l->B > 0 && length(d, i) != l->T) {
                break;
            }
            l->T = length(d, i);
            load(l, l->B++, i);
        }
    }
    return l->B > 0;
}
