// strict.c: all kernels and the model, compiled with real = float, and with every result correctly rounded. A
// multiply-add rounds twice, as it is written, but in the product, where it cannot matter: what is multiplied there
// needs no rounding.
#define NNZ_STRICT
#include <float.h>

#if FLT_EVAL_METHOD != 0 || defined(__FAST_MATH__)
#error "strict float32 needs floats that are computed as floats, and no -ffast-math"
#endif

#include "contract.h"
#include "matmul_strict.c"

#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#include "kernels.h"
