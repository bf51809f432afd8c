#include "loader.h"

#include <stdlib.h>
#include <string.h>

#include "failure.h"

Loader loader_init(const Tape *tape, size_t T, size_t B, int64_t step) {
    if (tape->n <= T) {
        fail(COULD_NOT_BE_DONE,
             "a split has %zu tokens, too few for context_length %zu: take a text of at least %zu, or a smaller "
             "context_length",
             tape->n, T, T + 1);
    }
    const size_t first = (size_t)step * B % (tape->n - T);
    return (Loader){tape, T, B, first, allocate(B, T * sizeof(int32_t)), allocate(B, sizeof(int32_t))};
}

void loader_next(Loader *loader) {
    const size_t T = loader->T;
    for (size_t i = 0; i < loader->B; i++) {
        const int32_t *window = loader->tape->tokens + loader->position;
        memcpy(loader->inputs + i * T, window, T * sizeof *window);
        loader->targets[i] = window[T];
        loader->position++;
        if (loader->position + T == loader->tape->n) {
            loader->position = 0;
        }
    }
}

void loader_free(Loader *loader) {
    free(loader->inputs);
    free(loader->targets);
}
