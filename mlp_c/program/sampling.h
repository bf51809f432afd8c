// sampling.h: text drawn from a network, as common/runs/sampling.py draws it.
#ifndef NNZ_SAMPLING_H
#define NNZ_SAMPLING_H

#include "dataset.h"
#include "network.h"
#include "../rng.h"
#include "settings.h"

// Token after token.
typedef struct {
    const Network *net;
    double temperature;
    size_t top_k;
    int32_t *context;        // (T,): the caller sets it before the first token
    void *logits, *scratch;  // (V,)
} Sampler;

Sampler sampler_init(const Network *net, double temperature, size_t top_k);
void sampler_free(Sampler *sampler);

// Draw the next token with one uniform, and move the context on by it.
int32_t sampler_next(Sampler *sampler, RNG *rng);

// `count` samples, a line each; the caller frees. New ones are not empty, no line of the training text, and all
// different; if 100 draws a sample do not suffice, there are fewer.
char *draw_samples(const Network *net, const Settings *settings, const Dataset *data);

#endif
