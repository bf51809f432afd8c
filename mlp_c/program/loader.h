// loader.h: windows of T+1 tokens that start at 0, 1, 2, ... on a tape; after the last one the first comes again.
#ifndef NNZ_LOADER_H
#define NNZ_LOADER_H

#include "text.h"

typedef struct {
    const Tape *tape;
    size_t T, B, position;
    int32_t *inputs, *targets;  // (B,T), (B,): the present batch
} Loader;

// The batches of step `step` and after.
Loader loader_init(const Tape *tape, size_t T, size_t B, int64_t step);
void loader_next(Loader *loader);
void loader_free(Loader *loader);

#endif
