// tanh.c: squash each number into (-1, 1).
#include "../fast/dispatch.h"
#include "../ops/ops.h"
#include "functions.h"

DISPATCH
static void tanh_block(real *restrict y, const real *restrict x, size_t n) { nearest_tanh(y, x, n); }

#include "../fast/tanh_loops.h"  // tanh_forward, tanh_backward
