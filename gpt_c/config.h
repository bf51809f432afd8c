// config.h: which GPT: the sizes, and the switches that tell the course's from GPT-2's.
#ifndef NNZ_GPT_CONFIG_H
#define NNZ_GPT_CONFIG_H

#include "ops/ops.h"

typedef struct {
    size_t V, T, L, H, E;  // vocabulary, context, blocks, heads, embedding
    // without: ReLU, layer norms, a head of its own, the norm outside the blocks after them
    bool gelu, rms, qkv_bias, linear_bias, head_bias, tied_head, norm_first;
    double dropout, embedding_dropout;  // probabilities, each below 1
    uint64_t dropout_seed;
} GPTConfig;

#endif
