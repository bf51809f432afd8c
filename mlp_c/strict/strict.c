// strict.c: the strict kernels and the model, compiled with real = float: every float that is stored is the one nearest
// to the exact result of its operation on floats, so that it does not depend on the order of additions, the compiler,
// the CPU or the number of threads. What only adds, multiplies, divides or takes a root is strict as it is in ops/, as
// long as each operation is rounded by itself. So a multiply-add rounds twice, as it is written, but in the product,
// where it cannot matter: what is multiplied there needs no rounding.
#define NNZ_STRICT
#include <float.h>

#if FLT_EVAL_METHOD != 0 || defined(__FAST_MATH__)
#error "strict float32 needs floats that are computed as floats, and no -ffast-math"
#endif

#include "../kernels.h"

#include "../mlp.c"
#include "../tensors.c"

#include "../fast/contract.h"
#include "matmul.h"

#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#include "../ops/sgd.c"
#include "adamw.c"
#include "batch_norm.c"
#include "cross_entropy.c"
#include "embedding.c"
#include "linear.c"
#include "tanh.c"
