// ops.h: the operations that a GPT has and an MLP has not, in the manner of mlp_c/ops/ops.h, whose others it takes.
#ifndef NNZ_GPT_OPS_H
#define NNZ_GPT_OPS_H

#include "../../mlp_c/ops/ops.h"

void layer_norm_forward(real *y, real *mean, real *rstd, const real *x, const real *weight, const real *bias, size_t B,
                        size_t E, double eps);
void layer_norm_backward(real *dx, real *dweight, real *dbias, const real *dy, const real *x, const real *mean,
                         const real *rstd, const real *weight, size_t B, size_t E);
void rms_norm_forward(real *y, real *rstd, const real *x, const real *weight, size_t B, size_t E, double eps);
void rms_norm_backward(real *dx, real *dweight, const real *dy, const real *x, const real *rstd, const real *weight,
                       size_t B, size_t E);
void relu_forward(real *y, const real *x, size_t n);
void relu_backward(real *dx, const real *dy, const real *y, size_t n);
void gelu_forward(real *y, const real *x, size_t n);
void gelu_backward(real *dx, const real *dy, const real *x, size_t n);
void attention_forward(real *y, real *probs, const real *qkv, const real *mask, size_t B, size_t T, size_t E, size_t H);
void attention_backward(real *dqkv, const real *dy, const real *qkv, const real *probs, const real *mask, size_t B,
                        size_t T, size_t E, size_t H);
void dropout_mask(real *mask, size_t n, double p, uint64_t seed, uint64_t site, uint64_t step);
void dropout_forward(real *y, const real *x, const real *mask, size_t n);
void dropout_backward(real *dx, const real *dy, const real *mask, size_t n);
void square_sum(double *total, const real *g, size_t n);
void clip_step(real *g, size_t n, double scale);

#endif
