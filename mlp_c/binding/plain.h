// plain.h: the plain kernels and the model as one translation unit, for nnz.c.plain.
#include "../kernels.h"

#include "../mlp.c"
#include "../tensors.c"

#include "../ops/adamw.c"
#include "../ops/batch_norm.c"
#include "../ops/cross_entropy.c"
#include "../ops/embedding.c"
#include "../ops/linear.c"
#include "../ops/sgd.c"
#include "../ops/tanh.c"
