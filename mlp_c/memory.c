// memory.c: the memory of an MLP: one allocation for all activations, and views into it.
#include <stdlib.h>
#include <string.h>

#include "ops/ops.h"

typedef struct {  // each parameter, or its gradient: views of one flat array
    real *wte, *fc1_weight, *fc1_bias, *fc2_weight, *fc2_bias;
} Parameters;

typedef struct MLP {
    size_t V, T, E, H;   // vocabulary, context, embedding, hidden
    size_t B, capacity;  // rows in the last batch, and the most rows there is memory for
    Parameters p;
    real *memory;                   // of all the following
    real *emb, *h_pre, *h, *probs;  // what forward leaves for backward
    real *dlogits, *dh, *dh_pre, *demb;
    int32_t *ids;  // inputs (B,T), then targets (B,): copied, since the caller's may be gone by the time of backward
} MLP;

static Parameters views(const MLP *m, real *flat) {
    real *fc1_weight = flat + m->V * m->E, *fc1_bias = fc1_weight + m->H * m->T * m->E;
    real *fc2_weight = fc1_bias + m->H, *fc2_bias = fc2_weight + m->V * m->H;
    return (Parameters){flat, fc1_weight, fc1_bias, fc2_weight, fc2_bias};
}

MLP *mlp_new(real *parameters, size_t V, size_t T, size_t E, size_t H) {
    MLP *m = calloc(1, sizeof *m);
    if (m != NULL) {
        *m = (MLP){.V = V, .T = T, .E = E, .H = H};
        m->p = views(m, parameters);
    }
    return m;
}

void mlp_free(MLP *m) {
    if (m != NULL) {
        free(m->memory), free(m);
    }
}

enum { LINE = 64 / sizeof(real) };  // numbers in a line of the cache, with which each view begins

// The next n numbers of `memory`, from the start of a line on; `memory` moves on past them.
static real *take(real **memory, size_t n) {
    *memory += (LINE - (uintptr_t)*memory / sizeof(real) % LINE) % LINE + n;
    return *memory - n;
}

// Views into memory for a batch of B rows; 0, or -1 if there is none.
static int reserve(MLP *m, size_t B) {
    const size_t emb = m->T * m->E, H = m->H, V = m->V, ids = m->T + 1;
    const size_t row = 2 * emb + 4 * H + 2 * V + ids, padding = 9 * LINE;
    if (B > m->capacity) {
        const bool too_many = B > (SIZE_MAX / sizeof(real) - padding) / row;  // more than there are addresses
        real *memory = too_many ? NULL : malloc((B * row + padding) * sizeof(real));
        if (memory == NULL) {
            return -1;
        }
        free(m->memory);
        m->memory = memory, m->capacity = B;
    }
    real *rest = m->memory;
    m->emb = take(&rest, B * emb), m->demb = take(&rest, B * emb);
    m->h_pre = take(&rest, B * H), m->dh_pre = take(&rest, B * H);
    m->h = take(&rest, B * H), m->dh = take(&rest, B * H);
    m->probs = take(&rest, B * V), m->dlogits = take(&rest, B * V);
    m->ids = (int32_t *)take(&rest, B * ids);
    m->B = B;
    return 0;
}
