// relu.c: let a number pass where it is above 0.
#include "ops.h"

// y = max(x, 0)        x (...)  ->  y (...)
void relu_forward(real *y, const real *x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = x[i] < 0 ? 0 : x[i]; }  // a NaN stays one
}

// dx = dy where y > 0, else 0        dy (...)  y (...)  ->  dx (...)
void relu_backward(real *dx, const real *dy, const real *y, size_t n) {
    for (size_t i = 0; i < n; i++) { dx[i] += y[i] > 0 ? dy[i] : 0; }
}
