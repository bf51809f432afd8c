// kernels.h: the operations and the model of one kernel set, for a file that is compiled once for each set.
//
// The sources are written in `real`. NNZ_FLOAT32 and NNZ_FLOAT64 name the kernels of fast/, NNZ_STRICT those of
// strict/, NNZ_PLAIN_FLOAT32 and NNZ_PLAIN_FLOAT64 those of ops/. NAME gives each set its own symbols: linear_forward
// is linked as linear_forward_float32, _float64, _strict and so on.
#ifndef NNZ_KERNELS_H
#define NNZ_KERNELS_H

#ifdef NNZ_OPS_H
#error "ops.h is there already, with another `real`: include kernels.h before it"
#endif

#if defined(NNZ_FLOAT32)
#define REAL float
#define NAME(f) f##_float32
#elif defined(NNZ_FLOAT64)
#define REAL double
#define NAME(f) f##_float64
#elif defined(NNZ_STRICT)
#define REAL float
#define NAME(f) f##_strict
#elif defined(NNZ_PLAIN_FLOAT32)
#define REAL float
#define NAME(f) f##_plain_float32
#elif defined(NNZ_PLAIN_FLOAT64)
#define REAL double
#define NAME(f) f##_plain_float64
#else
#error "define the kernel set: NNZ_FLOAT32, NNZ_FLOAT64, NNZ_STRICT, NNZ_PLAIN_FLOAT32 or NNZ_PLAIN_FLOAT64"
#endif

#define embedding_forward NAME(embedding_forward)
#define embedding_backward NAME(embedding_backward)
#define linear_forward NAME(linear_forward)
#define linear_backward NAME(linear_backward)
#define tanh_forward NAME(tanh_forward)
#define tanh_backward NAME(tanh_backward)
#define batch_norm_forward NAME(batch_norm_forward)
#define batch_norm_backward NAME(batch_norm_backward)
#define cross_entropy_forward NAME(cross_entropy_forward)
#define cross_entropy_backward NAME(cross_entropy_backward)
#define sgd_step NAME(sgd_step)
#define adamw_step NAME(adamw_step)

#define MLP NAME(MLP)
#define mlp_parameter_count NAME(mlp_parameter_count)
#define mlp_draw_parameters NAME(mlp_draw_parameters)
#define mlp_new NAME(mlp_new)
#define mlp_free NAME(mlp_free)
#define mlp_forward NAME(mlp_forward)
#define mlp_backward NAME(mlp_backward)
#define mlp_tensor NAME(mlp_tensor)
#define block_sizes NAME(block_sizes)

#include "ops/ops.h"
#include "mlp.h"

#endif
