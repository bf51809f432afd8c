// ulp.c: how far the float32 tanh and exp of the kernels are off, on every number there is. `make test-ulp` runs it.
//
// usage: ulp BUDGET [STRIDE]    every STRIDE-th of the 2^32 patterns of bits, by default each; exit 1 above the budget
//
// The truth is glibc's tanh and exp in double, which are off by less than 2^-28 of a ULP of float. tanh is called as
// the kernel it is; exp is in no kernel alone, so here is a loop around it, compiled as the kernels are.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NNZ_FLOAT32
#include "../../../mlp_c/kernels.h"

#include "../../../mlp_c/fast/contract.h"
#include "../../../mlp_c/fast/dispatch.h"
#include "../../../mlp_c/fast/elementary.h"
#include "../../../mlp_c/fast/threads.h"

enum { BLOCK = 1 << 14 };
static const uint64_t PATTERNS = (uint64_t)1 << 32;

typedef struct {
    double ulp;
    float x, y;
} Worst;

DISPATCH
static void exp_forward(float *restrict y, const float *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = fast_exp(x[i]); }
}

// |y - exact| in ULP of the float nearest to exact. Infinity counts as 2^128, which is what the next float would be.
static double ulp_off(float y, double exact) {
    if (isnan(exact) || isnan(y)) {
        return isnan(exact) && isnan(y) ? 0 : INFINITY;
    }
    const double top = 0x1p128, found = isinf(y) ? copysign(top, y) : y, size = fmin(fabs(exact), top);
    int exponent;
    frexp(fmin(size, 0x1.fffffep127), &exponent);  // size = fraction 2^exponent with 1/2 <= fraction < 1
    return fabs(found - copysign(size, exact)) / ldexp(1, exponent > -125 ? exponent - 24 : -149);
}

static Worst worst_of(void (*function)(float *, const float *, size_t), double (*truth)(double), uint64_t stride) {
    const uint64_t count = (PATTERNS + stride - 1) / stride;
    Worst worst = {0, 0, 0};
#pragma omp parallel for schedule(dynamic, 16)
    for (uint64_t first = 0; first < count; first += BLOCK) {
        float x[BLOCK], y[BLOCK];
        Worst own = {0, 0, 0};
        const size_t n = min_size(BLOCK, count - first);
        for (size_t i = 0; i < n; i++) { x[i] = ((Pun){.bits = (pattern)((first + i) * stride)}).value; }
        function(y, x, n);
        for (size_t i = 0; i < n; i++) {
            const double off = ulp_off(y[i], truth(x[i]));
            own = off > own.ulp ? (Worst){off, x[i], y[i]} : own;
        }
#pragma omp critical
        worst = own.ulp > worst.ulp ? own : worst;
    }
    return worst;
}

int main(int argc, char **argv) {
    const double budget = argc > 1 ? atof(argv[1]) : 0;
    const uint64_t stride = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (!(budget > 0) || stride == 0) {
        fputs("usage: ulp BUDGET [STRIDE]\n", stderr);
        return 2;
    }
    const Worst tanh_worst = worst_of(tanh_forward, tanh, stride), exp_worst = worst_of(exp_forward, exp, stride);
    const Worst both[] = {tanh_worst, exp_worst};
    int within = 1;
    for (int i = 0; i < 2; i++) {
        const Worst w = both[i];
        within = within && w.ulp <= budget;
        printf("%s: at most %.3f ULP off, at x = %a, where it gives %a; budget %g\n", i == 0 ? "tanh" : "exp", w.ulp,
               (double)w.x, (double)w.y, budget);
    }
    return within ? 0 : 1;
}
