// mlp.h: the multi-layer perceptron of Bengio et al. 2003.
#ifndef NNZ_MLP_H
#define NNZ_MLP_H

#include "ops/ops.h"

typedef struct MLP MLP;

// How many numbers the parameters are: wte (V,E), fc1.weight (H,T*E), fc1.bias (H,), fc2.weight (V,H), fc2.bias (V,).
size_t mlp_parameter_count(size_t V, size_t T, size_t E, size_t H);

// The initial weights: wte from N(0, 1), then fc1 and fc2, weight before bias, from U(-1/sqrt(N), 1/sqrt(N)), N being
// the number of the layer's inputs. A seed is not 0.
void mlp_draw_parameters(real *parameters, size_t V, size_t T, size_t E, size_t H, uint64_t seed);

// A model for these sizes, or NULL when there is no memory. `parameters` is one array of all of them, in the order
// above; it stays the caller's, who may write to it, and must outlive the model. The activations are the model's, until
// mlp_free.
MLP *mlp_new(real *parameters, size_t V, size_t T, size_t E, size_t H);
void mlp_free(MLP *model);

// logits (B,V) from inputs (B,T), and where targets (B,) is not NULL the mean cross-entropy. Ids must lie in 0 .. V-1.
// Returns 0, or -1 when there is no memory for a batch of this size.
int mlp_forward(MLP *model, real *logits, real *loss, const int32_t *inputs, const int32_t *targets, size_t B);

// The gradient of the last loss by every parameter, in their order; `gradients` is overwritten. May be called again,
// but only while the last forward was one with targets: another leaves nothing to go back from.
void mlp_backward(MLP *model, real *gradients);

// The model's own emb (B,T,E), h_pre, h (B,H), probs (B,V), dlogits (B,V), dh, dh_pre (B,H) or demb (B,T,E) of the last
// forward and backward, by name; valid until the next. NULL for another name.
const real *mlp_tensor(const MLP *model, const char *name);

#endif
