// batches.c: windows of a tape in batches.
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "failure.h"

Loader loader_init(const Tape *tape, size_t T, size_t B, bool at_every_position, uint64_t seed, int64_t step) {
    const bool by_lines = tape->documents != NULL;
    const size_t passed = (size_t)step * B, n_targets = at_every_position ? T : 1;
    Loader loader = {.tape = tape,
                     .T = T,
                     .B = B,
                     .capacity = B,
                     .position = by_lines ? (size_t)step : passed % (tape->n - T),
                     .at_every_position = at_every_position,
                     .random = seed != 0,
                     .rng = {-seed},  // not the one that drew the weights
                     .inputs = allocate(B, T * sizeof(int32_t)),
                     .targets = allocate(B, n_targets * sizeof(int32_t))};
    for (size_t i = 0; i < passed && seed != 0; i++) { rng_u32(&loader.rng); }
    return loader;
}

// Put the i-th window of the batch where it belongs.
static void load(Loader *l, size_t i, size_t position) {
    const size_t T = l->T;
    const int32_t *window = l->tape->tokens + position;
    memcpy(l->inputs + i * T, window, T * sizeof *window);
    if (l->at_every_position) {
        memcpy(l->targets + i * T, window + 1, T * sizeof *window);
    } else {
        l->targets[i] = window[T];
    }
}

void loader_next(Loader *loader) {
    if (loader->tape->documents != NULL) {
        documents_next(loader);
        return;
    }
    const size_t windows = loader->tape->n - loader->T;
    for (size_t i = 0; i < loader->B; i++) {
        if (loader->random) {
            loader->position = (size_t)((uint64_t)rng_u32(&loader->rng) * windows >> 32);
        }
        load(loader, i, loader->position);
        loader->position = (loader->position + 1) % windows;
    }
}

bool loader_next_once(Loader *l, size_t batches) {
    if (l->tape->documents != NULL) {
        return documents_next_once(l, batches);
    }
    if (batches > 0 && l->given++ == batches) {
        return false;
    }
    const size_t stride = l->at_every_position ? l->T : 1, targets = l->tape->n - l->T, end = l->tape->n - 1;
    const size_t left = l->position < targets ? (targets - 1 - l->position) / stride + 1 : 0;
    if (left == 0 && (!l->at_every_position || l->position >= end)) {
        return false;
    }
    if (left == 0) {  // what is left of the text is a shorter window
        l->T = end - l->position;
    }
    l->B = left == 0 ? 1 : left < l->B ? left : l->B;
    for (size_t i = 0; i < l->B; i++, l->position += stride) { load(l, i, l->position); }
    return true;
}

void loader_free(Loader *loader) {
    free(loader->inputs);
    free(loader->targets);
}
