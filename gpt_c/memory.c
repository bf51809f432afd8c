// memory.c: the memory of a GPT: views of its parameters, and one allocation for all activations.
#include <stdlib.h>
#include <string.h>

#include "config.h"

static const double EPS = 1e-5;  // of the norms

typedef struct {  // the parameters around the blocks, or their gradients; NULL where this GPT has none
    real *wte, *wpe, *norm_weight, *norm_bias, *head_weight, *head_bias;
} Parameters;

typedef struct {  // and those of a block
    real *norm1_weight, *norm1_bias, *qkv_weight, *qkv_bias, *proj_weight, *proj_bias;
    real *norm2_weight, *norm2_bias, *fc1_weight, *fc1_bias, *fc2_weight, *fc2_bias;
} BlockParameters;

typedef struct {  // what a block's forward leaves for its backward; the masks are NULL without dropout
    real *x, *norm1, *mean1, *rstd1, *qkv, *probs, *att, *mid, *norm2, *mean2, *rstd2, *fc1, *act;
    real *probs_mask, *proj_mask, *fc2_mask;
} BlockActivations;

typedef struct {  // what there is once; the gradients from dmid on are of one block after the other
    real *x, *norm, *mean, *rstd, *probs, *emb_mask, *dlogits, *dx, *dnorm, *dbranch, *dmid;
    real *dact, *dfc1, *dnorm2, *datt, *dqkv, *dnorm1;
} Activations;

typedef struct GPT {
    GPTConfig c;
    size_t B, T;
    bool drops;                       // in the last forward,
    uint64_t step;                    // at this step,
    const int32_t *inputs, *targets;  // of these ids
    real *parameters, *gradients, *memory;
    Parameters p;
    Activations a;
    struct {
        BlockParameters p;
        BlockActivations a;
    } blocks[];
} GPT;

enum { BEFORE = 2, EACH = sizeof(BlockParameters) / sizeof(real *), AFTER = 4 };  // parameters, and of the blocks

size_t gpt_parameter_size(const GPTConfig *c, size_t i) {
    const size_t V = c->V, E = c->E, norm = c->rms ? 0 : E, bias = c->linear_bias ? E : 0, end = BEFORE + EACH * c->L;
    const size_t before[] = {V * E, c->T * E}, qkv_bias = c->qkv_bias ? 3 * E : 0;
    const size_t block[] = {norm, norm, 3 * E * E, qkv_bias, E * E,     bias,
                            norm, norm, 4 * E * E, 4 * bias, 4 * E * E, bias};
    const size_t after[] = {norm, norm, c->tied_head ? 0 : V * E, c->head_bias ? V : 0};
    return i < BEFORE ? before[i] : i < end ? block[(i - BEFORE) % EACH] : after[i - end];
}

// Weights are every second one, of which every third is a norm's.
bool gpt_is_matrix(size_t i) { return i < BEFORE || (i % 2 == 0 && i % 6 != BEFORE); }

// Views of the parameters from number i on, which begin at `flat`; returns where the next ones begin.
static real *view(real **views, size_t count, const GPTConfig *c, size_t i, real *flat) {
    for (size_t k = 0; k < count; flat += gpt_parameter_size(c, i + k++)) {
        views[k] = gpt_parameter_size(c, i + k) > 0 ? flat : NULL;
    }
    return flat;
}

// Arrays one after the other, B times as large as `sizes` say; returns where the next ones begin.
static real *place(real **arrays, size_t count, const size_t *sizes, size_t B, real *memory) {
    for (size_t k = 0; k < count; memory += B * sizes[k++]) { arrays[k] = sizes[k] > 0 ? memory : NULL; }
    return memory;
}

// The gradient of a parameter: at the same place in their array
static real *d(const GPT *m, const real *p) { return p != NULL ? m->gradients + (p - m->parameters) : NULL; }

GPT *gpt_new(real *parameters, const GPTConfig *c, size_t B, size_t T) {
    const size_t x = T * c->E, probs = c->H * T * T, V = T * c->V;
    const size_t drop = c->dropout > 0, emb = c->embedding_dropout > 0;
    const size_t block[] = {x, x, T, T, 3 * x, probs, x, x, x, T, T, 4 * x, 4 * x, drop * probs, drop * x, drop * x};
    const size_t once[] = {x, x, T, T, V, emb * x, V, x, x, x, x, 4 * x, 4 * x, x, x, 3 * x, x};
    const size_t in_block = sizeof block / sizeof *block, in_all = sizeof once / sizeof *once;
    size_t row = 64 / sizeof(real);  // numbers of a sequence, and some to begin with a line of the cache
    for (size_t i = 0; i < in_block; i++) { row += c->L * block[i]; }
    for (size_t i = 0; i < in_all; i++) { row += once[i]; }

    GPT *m = malloc(sizeof *m + c->L * sizeof *m->blocks);
    real *memory = m == NULL || B > SIZE_MAX / sizeof(real) / row ? NULL : malloc(B * row * sizeof(real));
    if (memory == NULL) {
        return free(m), NULL;
    }
    *m = (GPT){.c = *c, .B = B, .T = T, .parameters = parameters, .memory = memory};
    memory += (64 - (uintptr_t)memory % 64) / sizeof(real);
    memory = place(&m->a.x, in_all, once, B, memory);
    real *p = view(&m->p.wte, BEFORE, c, 0, parameters);
    for (size_t l = 0; l < c->L; l++) {
        p = view(&m->blocks[l].p.norm1_weight, EACH, c, BEFORE + EACH * l, p);
        memory = place(&m->blocks[l].a.x, in_block, block, B, memory);
    }
    view(&m->p.norm_weight, AFTER, c, BEFORE + EACH * c->L, p);
    m->p.head_weight = c->tied_head ? m->p.wte : m->p.head_weight;
    return m;
}

void gpt_free(GPT *m) {
    if (m != NULL) {
        free(m->memory), free(m);
    }
}
