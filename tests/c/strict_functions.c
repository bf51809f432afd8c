// strict_functions.c: the strict exp and log of the kernels, which no op gives away by themselves; a library.
#include "../../mlp_c/strict.c"

DISPATCH
void strict_exp(float *restrict y, const float *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = real_exp(x[i]); }
}

DISPATCH
void strict_log(float *restrict y, const float *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = real_log(x[i]); }
}
