// kernels.h: everything that is written in `real`, as one translation unit.
#ifndef NNZ_STRICT
#include "matmul.c"
#endif
#include "mlp.c"
#include "ops/adamw.c"
#include "ops/batch_norm.c"
#include "ops/cross_entropy.c"
#include "ops/embedding.c"
#include "ops/linear.c"
#include "ops/sgd.c"
#include "ops/tanh.c"
