// strict.c: the GPT's strict kernels and the model: see mlp_c/strict/strict.c. What moves numbers, or multiplies one by
// one, is strict as it is in fast/.
#define NNZ_STRICT
#include "../kernels.h"

#include "../memory.c"
#include "../switches.c"
#include "../gpt.c"
#include "../tensors.c"

#include "../../mlp_c/fast/contract.h"
#include "../../mlp_c/strict/matmul.h"
#include "../../mlp_c/strict/sums.h"

#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#include "../fast/dropout.c"
#include "../fast/relu.c"
#include "attention.c"
#include "cached_attention.c"
#include "clip.c"
#include "gelu.c"
#include "layer_norm.c"
#include "rms_norm.c"

#include "../cache.c"
