// all.h: the GPT's kernels and the model as one translation unit.
#include "../kernels.h"

#include "../memory.c"
#include "../switches.c"
#include "../gpt.c"
#include "../cached_attention.c"
#include "../cache.c"
#include "../tensors.c"

#include "../../mlp_c/fast/block_sizes.h"
#include "../../mlp_c/fast/contract.h"

#include "attention.c"
#include "clip.c"
#include "dropout.c"
#include "gelu.c"
#include "layer_norm.c"
#include "relu.c"
#include "rms_norm.c"

const BlockSizes gpt_block_sizes[] = {
    {"attention", {ROWS, COLS, SHORT, QUERIES, KEYS}},
    {"layer_norm", {NORM_ROWS, NORM_COLUMNS}},
    {"rms_norm", {RMS_ROWS, RMS_COLUMNS}},
    {"relu", {RELU_BLOCK}},
    {"gelu", {GELU_BLOCK}},
    {"dropout", {DROPOUT_BLOCK}},
    {"dropout_mask", {MASK_BLOCK}},
    {"square_sum", {CLIP_BLOCK}},
    {"clip", {CLIP_BLOCK}},
    {NULL, {0}},
};
