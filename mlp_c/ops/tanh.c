// tanh.c: squash each number into (-1, 1).
#include "../elementary.h"
#include "../ops.h"

// y = tanh(x)        x (...)  ->  y (...)
DISPATCH
void tanh_forward(real *y, const real *x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = fast_tanh(x[i]); }
}

// dx = dy (1 - y^2)        dy (...)  y (...)  ->  dx (...)
DISPATCH
void tanh_backward(real *dx, const real *dy, const real *y, size_t n) {
    for (size_t i = 0; i < n; i++) { dx[i] += dy[i] * (1 - y[i] * y[i]); }
}
