// sampling.h: text drawn from a network, as common/runs/sampling.py draws it.
#ifndef NNZ_SAMPLING_H
#define NNZ_SAMPLING_H

#include "dataset.h"
#include "mersenne_twister.h"
#include "network.h"
#include "../rng.h"
#include "settings.h"

// Token after token. The window of those that the network sees is full, or a GPT's, which grows and then moves on.
typedef struct {
    const Network *net;
    double temperature;
    size_t top_k;
    int32_t *context;        // (T,): the caller sets it before the first token
    size_t n, cached;        // tokens in it, and how many of them a GPT's cache holds
    void *logits, *scratch;  // (V,), or (T,V) at every position; (2,V)
} Sampler;

// With a full window.
Sampler sampler_init(const Network *net, double temperature, size_t top_k);
void sampler_free(Sampler *sampler);

// Draw the next token with one uniform u, and move the context on by it.
int32_t sampler_next(Sampler *sampler, double u);

// `count` samples, with a newline after each; the caller frees. New ones are not empty, no line of the training text,
// and all different; if 100 draws a sample do not suffice, there are fewer. Of microgpt a generator of Python's draws
// them; else it is NULL.
char *draw_samples(const Network *net, const Settings *settings, const Dataset *data, MersenneTwister *twister);

#endif
