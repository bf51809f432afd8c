// tanh.c: squash each number into (-1, 1).
#include "ops.h"

// y = tanh(x)        x (...)  ->  y (...)
void tanh_forward(real *y, const real *x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = tanh(x[i]); }
}

// dx = dy (1 - y^2)        dy (...)  y (...)  ->  dx (...)
void tanh_backward(real *dx, const real *dy, const real *y, size_t n) {
    for (size_t i = 0; i < n; i++) { dx[i] += dy[i] * (1 - y[i] * y[i]); }
}
