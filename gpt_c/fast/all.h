// all.h: the GPT's kernels and the model as one translation unit.
#include "../kernels.h"

#include "../memory.c"
#include "../switches.c"
#include "../gpt.c"
#include "../cache.c"
#include "../tensors.c"

#include "../../mlp_c/fast/contract.h"

#include "attention.c"
#include "clip.c"
#include "dropout.c"
#include "gelu.c"
#include "layer_norm.c"
#include "relu.c"
#include "rms_norm.c"
