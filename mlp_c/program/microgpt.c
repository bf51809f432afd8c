#include "microgpt.h"

#include <stdlib.h>
#include <string.h>

#include "failure.h"

static const double STD = 0.08;

static bool same(const Tape *a, const Tape *b) {
    return a->n == b->n && memcmp(a->tokens, b->tokens, a->n * sizeof *a->tokens) == 0;
}

// The lines of all splits; of those that are the same one counts.
static size_t count_documents(const Dataset *data) {
    const Tape *tapes[] = {&data->train, &data->val, &data->test};
    const int32_t newline = vocabulary_token(&data->vocabulary, '\n');
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        bool counted = false;
        for (int j = 0; j < i; j++) { counted |= same(tapes[i], tapes[j]); }
        for (size_t k = 0; k < tapes[i]->n && !counted; k++) { n += tapes[i]->tokens[k] == newline; }
    }
    return n;
}

// From N(0, 0.08^2), row by row
static void draw(MersenneTwister *twister, const Tensor *tensor) {
    const size_t n = tensor_bytes(tensor) / DTYPES[tensor->dtype].size;
    float *x = tensor->data;
    double *wide = tensor->data;
    for (size_t i = 0; i < n; i++) {
        const double z = twister_gauss(twister, STD);
        if (tensor->dtype == FLOAT64) {
            wide[i] = z;
        } else {
            x[i] = (float)z;
        }
    }
}

// Both embeddings and the head come first, then the matrices of each block.
MersenneTwister microgpt_initialize(const Network *net, uint64_t seed, const Dataset *data) {
    const Tensor *tensors = net->tensors[PARAMETERS];
    const size_t n = count_documents(data), head = net->n_tensors - 1;
    size_t *order = allocate(n + 1, sizeof *order);
    MersenneTwister twister = twister_init(seed);
    twister_shuffle(&twister, order, n);
    free(order);
    draw(&twister, tensors), draw(&twister, tensors + 1), draw(&twister, tensors + head);
    for (size_t i = 2; i < head; i++) { draw(&twister, tensors + i); }
    return twister;
}
