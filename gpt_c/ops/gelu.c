// gelu.c: let a number pass by the share of normal ones that are below it, in the form with tanh.
#include "ops.h"

// y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))        x (...)  ->  y (...)
void gelu_forward(real *y, const real *x, size_t n) {
    const real scale = (real)0.79788456080286535588, cubic = (real)0.044715;  // sqrt(2 / pi)
    for (size_t i = 0; i < n; i++) {
        const real t = tanh(scale * (x[i] + cubic * (x[i] * x[i] * x[i])));
        y[i] = x[i] / 2 * (1 + t);
    }
}

// dx = dy ((1 + t)/2 + x/2 (1 - t^2) sqrt(2/pi) (1 + 3 0.044715 x^2)), t the tanh of the forward
// dy (...)  x (...)  ->  dx (...)
void gelu_backward(real *dx, const real *dy, const real *x, size_t n) {
    const real scale = (real)0.79788456080286535588, cubic = (real)0.044715;
    for (size_t i = 0; i < n; i++) {
        const real t = tanh(scale * (x[i] + cubic * (x[i] * x[i] * x[i])));
        const real du = scale * (1 + 3 * cubic * (x[i] * x[i]));
        dx[i] += dy[i] * ((1 + t) / 2 + x[i] / 2 * (1 - t * t) * du);
    }
}
