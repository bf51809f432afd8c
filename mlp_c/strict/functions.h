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

static inline real nearest_exp(real x) { return nearest(fast_exp(x), x, HARD_EXP, HARD_EXP_COUNT); }
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
