// functions.h: tanh, exp and log of which every result is the float nearest to the exact one.
//
// In double they are off by HARD_MARGIN at most. Where that leaves two floats to choose from, the input is in a table,
// or the double is near enough.
#ifndef NNZ_FUNCTIONS_H
#define NNZ_FUNCTIONS_H

#include "../fast/elementary.h"
#include "hard_cases.h"

// f(x), of which y is off by HARD_MARGIN at most.
static inline real nearest(double y, real x, const HardCase *hard, size_t n) {
    const real low = (real)(y * (1 - HARD_MARGIN)), high = (real)(y * (1 + HARD_MARGIN));
    union {
        real value;
        uint32_t bits;
    } given = {.value = x}, found = {.value = (real)y};
    for (size_t i = 0; low != high && i < n; i++) { found.bits = hard[i].x == given.bits ? hard[i].y : found.bits; }
    return found.value;
}

// y = exp(x), in place        y (n,)        All are computed before it is asked whether one is undecided, so that the
// compiler can compute several at once.
static inline void nearest_exps(real *y, size_t n) {
    enum { TOGETHER = 64 };
    for (size_t first = 0; first < n; first += TOGETHER, y += TOGETHER) {
        const size_t m = n - first < TOGETHER ? n - first : TOGETHER;
        real low[TOGETHER], high[TOGETHER];
        bool undecided = false;
        for (size_t i = 0; i < m; i++) {
            const double e = fast_exp((double)y[i]);
            low[i] = (real)(e * (1 - HARD_MARGIN)), high[i] = (real)(e * (1 + HARD_MARGIN));
        }
        for (size_t i = 0; i < m; i++) { undecided |= low[i] != high[i]; }
        for (size_t i = 0; i < m; i++) {
            y[i] = undecided ? nearest(fast_exp((double)y[i]), y[i], HARD_EXP, HARD_EXP_COUNT) : low[i];
        }
    }
}

static inline real nearest_log(real x) { return nearest(log((double)x), x, HARD_LOG, HARD_LOG_COUNT); }

// y = tanh(x)        x (n,)  ->  y (n,)        The hard ones are looked up afterwards, so that the compiler can compute
// several numbers at once.
static inline void nearest_tanh(real *restrict y, const real *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = (real)fast_tanh(x[i]); }
    for (size_t h = 0; h < HARD_TANH_COUNT; h++) {
        union {
            uint32_t bits;
            real value;
        } hard = {.bits = HARD_TANH[h].x}, known = {.bits = HARD_TANH[h].y};
        for (size_t i = 0; i < n; i++) { y[i] = x[i] == hard.value ? known.value : y[i]; }
    }
}

#endif
