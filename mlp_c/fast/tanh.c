// tanh.c: squash each number into (-1, 1).
#include "../ops/ops.h"
#include "dispatch.h"
#include "elementary.h"

DISPATCH
static void tanh_block(real *restrict y, const real *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = fast_tanh(x[i]); }
}

#include "tanh_loops.h"  // tanh_forward, tanh_backward
