// plain.h: the GPT's plain kernels and the model as one translation unit, for nnz.c.plain.
#include "../kernels.h"

#include "../memory.c"
#include "../switches.c"
#include "../gpt.c"
#include "../cached_attention.c"
#include "../cache.c"
#include "../tensors.c"

#include "../ops/attention.c"
#include "../ops/clip.c"
#include "../ops/dropout.c"
#include "../ops/gelu.c"
#include "../ops/layer_norm.c"
#include "../ops/relu.c"
#include "../ops/rms_norm.c"
