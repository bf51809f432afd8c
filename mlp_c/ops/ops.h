// ops.h: the operations. A function takes its outputs, its const inputs, the sizes and last the scalars. A forward
// overwrites its outputs; a backward adds to them, and the caller zeroes. None allocates, prints or exits.
#ifndef NNZ_OPS_H
#define NNZ_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tgmath.h>  // exp(x) is expf(x) where x is a float

#ifndef REAL
#define REAL double
#endif
typedef REAL real;

void embedding_forward(real *emb, const real *wte, const int32_t *ids, size_t B, size_t T, size_t E);
void embedding_backward(real *dwte, const real *demb, const int32_t *ids, size_t B, size_t T, size_t E);
void linear_forward(real *y, const real *x, const real *w, const real *b, size_t B, size_t N, size_t M);
void linear_backward(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w, size_t B, size_t N,
                     size_t M);
void tanh_forward(real *y, const real *x, size_t n);
void tanh_backward(real *dx, const real *dy, const real *y, size_t n);
void batch_norm_forward(real *y, real *mean, real *rstd, real *new_running_mean, real *new_running_var, const real *x,
                        const real *weight, const real *bias, const real *running_mean, const real *running_var,
                        size_t B, size_t C, bool training, double momentum, double eps);
void batch_norm_backward(real *dx, real *dweight, real *dbias, const real *dy, const real *x, const real *mean,
                         const real *rstd, const real *weight, size_t B, size_t C);
void cross_entropy_forward(real *loss, real *probs, const real *logits, const int32_t *targets, size_t B, size_t V);
void cross_entropy_backward(real *dlogits, const real *probs, const int32_t *targets, size_t B, size_t V);
void sgd_step(real *p, const real *g, size_t n, double lr, double weight_decay);
void adamw_step(real *p, real *m, real *v, const real *g, size_t n, int64_t t, double lr, double beta1, double beta2,
                double eps, double weight_decay);

#endif
