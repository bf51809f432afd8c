// all.h: the kernels and the model as one translation unit. The embedding is the plain one: it is as fast.
#include "../kernels.h"

#include "../mlp.c"
#include "../tensors.c"

#include "block_sizes.h"
#include "contract.h"

#include "../ops/embedding.c"
#include "adamw.c"
#include "batch_norm.c"
#include "cross_entropy.c"
#include "linear.c"
#include "sgd.c"
#include "tanh.c"

const BlockSizes block_sizes[] = {
    {"linear", {ROWS, FEW_ROWS, COLS, MOST_PANELS * COLS, HEIGHT, PACKED_HEIGHT, DEPTH}},
    {"tanh", {TANH_BLOCK}},
    {"cross_entropy", {ROWS_AT_ONCE}},
    {"batch_norm", {CHANNELS}},
    {"adamw", {ADAMW_BLOCK}},
    {NULL, {0}},
};
