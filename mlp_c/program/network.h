// network.h: the model with what training adds to it: gradients, and the moments of AdamW.
//
// A network computes in float32, in float64, or in float32 with every result correctly rounded. Who uses it need not
// know which: arrays are `void *`, their numbers are of type `dtype`, and a loss is a double, which holds either.
#ifndef NNZ_NETWORK_H
#define NNZ_NETWORK_H

#include <stdint.h>

#include "safetensors.h"

enum { N_PARAMETERS = 5 };  // wte (V,E), fc1.weight (H,T*E), fc1.bias (H,), fc2.weight (V,H), fc2.bias (V,)

// In this order the names of their tensors begin with "", "d", "m." and "v.".
typedef enum { PARAMETERS, GRADIENTS, FIRST_MOMENTS, SECOND_MOMENTS, N_GROUPS } Group;

typedef struct Network {
    size_t V, T, E, H, n;  // n numbers in all parameters
    Dtype dtype;
    void *flat[N_GROUPS];  // (n,): the five arrays of a group, one after the other
    void *model;

    // The five arrays of a group, by name.
    void (*tensors)(const struct Network *, Group group, Tensor tensors[N_PARAMETERS]);

    // Draw the parameters, as common/backend/initial.py does.
    void (*initialize)(const struct Network *, uint64_t seed);

    // logits (B,V) from inputs (B,T). With targets (B,), which may be NULL, also the mean cross-entropy, which is
    // returned.
    double (*forward)(const struct Network *, void *logits, const int32_t *inputs, const int32_t *targets, size_t B);

    // The gradients of the last loss.
    void (*backward)(const struct Network *);

    // A step by the gradients, the t-th.
    void (*sgd)(const struct Network *, double lr, double weight_decay);
    void (*adamw)(const struct Network *, int64_t t, double lr, double beta1, double beta2, double eps,
                  double weight_decay);

    // The token that a uniform u draws from the softmax of logits (V,), which it overwrites, as it does scratch (V,).
    int32_t (*choose)(const struct Network *, void *logits, void *scratch, double temperature, size_t top_k, double u);

    // What the model keeps of the last pass, by name: see mlp_tensor.
    const void *(*activation)(const struct Network *, const char *name);

    void (*free)(const struct Network *);
} Network;

// Parameters and moments are 0. Prints what was wrong and exits with 1 when there is no memory.
typedef Network NewNetwork(size_t V, size_t T, size_t E, size_t H);
NewNetwork network_float32, network_float64, network_strict;

#endif
