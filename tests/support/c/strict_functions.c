// strict_functions.c: what of the strict kernels no op gives away by itself; a library.
#include "../../../mlp_c/strict/strict.c"

DISPATCH
void strict_exp(float *restrict y, const float *restrict x, size_t n) {
    memcpy(y, x, n * sizeof *y);
    nearest_exps(y, n);
}

DISPATCH
void strict_log(float *restrict y, const float *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = nearest_log(x[i]); }
}

DISPATCH
void strict_sqrt(float *restrict y, const float *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = sqrt(x[i]); }
}

DISPATCH
void strict_add(float *restrict y, const float *restrict a, const float *restrict b, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = a[i] + b[i]; }
}

DISPATCH
void strict_subtract(float *restrict y, const float *restrict a, const float *restrict b, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = a[i] - b[i]; }
}

DISPATCH
void strict_multiply(float *restrict y, const float *restrict a, const float *restrict b, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = a[i] * b[i]; }
}

DISPATCH
void strict_divide(float *restrict y, const float *restrict a, const float *restrict b, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = a[i] / b[i]; }
}
