// all.h: the kernels and the model as one translation unit. The embedding is the plain one: it is as fast.
#include "../kernels.h"

#include "../mlp.c"
#include "../tensors.c"

#include "contract.h"

#include "../ops/embedding.c"
#include "adamw.c"
#include "batch_norm.c"
#include "cross_entropy.c"
#include "linear.c"
#include "sgd.c"
#include "tanh.c"

// The sizes at which these kernels go another way, ended by 0: nnz parity tries each, one less and one more.
const size_t block_sizes[] = {ROWS,       FEW_ROWS, COLS,     HEIGHT,       DEPTH, BLOCK, ADAMW_BLOCK,
                              TANH_BLOCK, TOGETHER, CHANNELS, ROWS_AT_ONCE, LINE,  0};
