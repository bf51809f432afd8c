// network.h: a model with what training adds to it: gradients, the moments of AdamW, and how a token is drawn.
//
// A network is an MLP or a GPT, and computes in float32, in float64, or in float32 with every result correctly rounded.
// Who uses it need not know which: arrays are `void *`, their numbers are of type `dtype`, and a loss is a double,
// which holds either.
#ifndef NNZ_NETWORK_H
#define NNZ_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "safetensors.h"

// In this order the names of their tensors begin with "", "d", "m." and "v.".
typedef enum { PARAMETERS, GRADIENTS, FIRST_MOMENTS, SECOND_MOMENTS, N_GROUPS } Group;

typedef struct {
    size_t V, T, E, H, L;  // vocabulary, context, embedding; hidden units, or heads; blocks, of a GPT
    bool gpt2;             // a GPT with GELU, biases as GPT-2 has them and a tied head;
    bool microgpt;         // one with RMS norms, the first before the blocks, and no biases; else the course's
    double dropout, embedding_dropout;
    uint64_t dropout_seed;
} Shape;

typedef struct Network {
    Shape shape;
    bool at_every_position;  // it predicts the token after each position, or only after the last one
    size_t n, n_tensors;     // numbers and arrays in all parameters
    Dtype dtype;
    void *flat[N_GROUPS];       // (n,): the arrays of a group, one after the other
    Tensor *tensors[N_GROUPS];  // (n_tensors,): the same by name
    void *model;

    // Draw the parameters, as common/backend/initial.py does.
    void (*initialize)(const struct Network *, uint64_t seed);

    // logits (B,V) from inputs (B,T); at every position (B,T,V). With targets, (B,) or (B,T), which may be NULL, also
    // the mean cross-entropy, which is returned. A GPT takes fewer than T tokens too, and drops out in training, by
    // masks that depend on the step; -1 is not in training.
    double (*forward)(const struct Network *, void *logits, const int32_t *inputs, const int32_t *targets, size_t B,
                      size_t T, int64_t step);

    // The gradients of the last loss. The ids of that forward must still be there.
    void (*backward)(const struct Network *);

    // A step by the gradients, the t-th. Only matrices decay, or all.
    void (*sgd)(const struct Network *, double lr, double weight_decay);
    void (*adamw)(const struct Network *, int64_t t, double lr, double beta1, double beta2, double eps,
                  double weight_decay, bool only_matrices);

    // The token that a uniform u draws from the softmax of logits (V,), which it overwrites, as it does scratch (V,).
    int32_t (*choose)(const struct Network *, void *logits, void *scratch, double temperature, size_t top_k, double u);

    void (*free)(const struct Network *);
    void (*free_model)(const struct Network *);  // for free alone

    // What the model keeps of the last pass, by name (mlp_tensor); in block 0 of a GPT it is "blocks.0.x" (gpt_tensor).
    const void *(*activation)(const struct Network *, const char *name);

    // Of a GPT. Shorten the gradients to this norm, if they are longer; return their norm before.
    double (*clip)(const struct Network *, double max_norm);

    // logits (V,) after one more token, at position t; those before it were given by the calls before.
    void (*append)(const struct Network *, void *logits, int32_t token, size_t t);

    // Whether such logits, which round otherwise than those of a forward, surely draw the same token. Scratch is (2,V).
    bool (*is_certain)(const struct Network *, const void *logits, void *scratch, double temperature, size_t top_k,
                       double u);
} Network;

// Moments are 0. Prints what was wrong and exits with 1 when there is no memory.
typedef Network NewNetwork(const Shape *shape);
NewNetwork mlp_network_float32, mlp_network_float64, mlp_network_strict;
NewNetwork gpt_network_float32, gpt_network_float64, gpt_network_strict;

// What both begin with (network.c): arrays for these parameters, of which names and shapes are given.
typedef Network BaseNetwork(const Shape *shape, const Tensor *parameters, size_t n_tensors);
BaseNetwork base_network_float32, base_network_float64, base_network_strict;

#endif
