// gpt.h: the GPT of Radford et al. 2019 (GPT-2), with the switches between it and smaller ones.
#ifndef NNZ_GPT_H
#define NNZ_GPT_H

#include "config.h"

typedef struct GPT GPT;

// The parameters are 6 + 12 L: wte (V,E), wpe (T,E); of each block norm1 (E,), qkv (3E,E), proj (E,E), norm2 (E,), fc1
// (4E,E), fc2 (E,4E); norm (E,), head (V,E): all but the first two have a weight and a bias. How many numbers number i
// is, 0 if this GPT has none; whether it is a matrix; how many all are; and the initial ones: matrices from
// N(0, 0.02^2), norms' weights 1, biases 0. A seed is not 0.
size_t gpt_parameter_size(const GPTConfig *config, size_t i);
bool gpt_is_matrix(size_t i);
size_t gpt_parameter_count(const GPTConfig *config);
void gpt_draw_parameters(real *parameters, const GPTConfig *config, uint64_t seed);

// A model for batches of B sequences of T tokens, or NULL when there is no memory. `parameters` is one array of all of
// them; it stays the caller's, who may write to it, and must outlive the model. The rest is the model's, until
// gpt_free.
GPT *gpt_new(real *parameters, const GPTConfig *config, size_t B, size_t T);
void gpt_free(GPT *model);

// logits (B,T,V) from inputs (B,T), and where targets (B,T) is not NULL the mean cross-entropy. Ids lie in 0 .. V-1.
// In training it drops out, by masks that depend on the step.
void gpt_forward(GPT *model, real *logits, real *loss, const int32_t *inputs, const int32_t *targets, bool training,
                 uint64_t step);

// The gradient of the last loss by every parameter, in their order; `gradients` is overwritten. The ids of that
// forward, which had targets, must still be there. May be called again.
void gpt_backward(GPT *model, real *gradients);

// What lies between (tensors.c): the model's own tensor of a block, or with l = L of after the blocks, by name; valid
// until the next call, and NULL for another name. A gradient is there after the backward from the loss to that block,
// which fills in the gradients of those parameters alone. `gradients` is overwritten.
void gpt_backward_to_block(GPT *model, real *gradients, size_t l);
const real *gpt_tensor(const GPT *model, const char *name, size_t l);

// Generation (cache.c): logits (B,V) after n more tokens of each sequence, ids (B,n), from position t on, by a model
// that was made for T = 1. The cache, as many numbers as gpt_cache_size says, is the caller's; it holds those before.
size_t gpt_cache_size(const GPTConfig *config, size_t B);
void gpt_append(GPT *model, real *logits, real *cache, const int32_t *ids, size_t n, size_t t);

#endif
