// elementary.h: exp and tanh without a branch, so that the compiler can compute several numbers at once.
//
// Write x = n ln 2 + r with n whole and |r| <= ln 2 / 2. Then exp(x) = 2^n exp(r); a few terms of Taylor's series give
// exp(r) - 1, and 2^n is made by putting n where a floating-point number keeps its exponent.
// (Cody and Waite 1980, Software Manual for the Elementary Functions, chapters 6 and 13.)
#ifndef NNZ_ELEMENTARY_H
#define NNZ_ELEMENTARY_H

#include "../ops/ops.h"

#ifndef NNZ_FLOAT32  // strict computes them in double too, and then rounds
typedef double wide;
typedef int64_t whole;
typedef uint64_t pattern;  // of bits, without a sign: to shift or subtract them is defined whatever a NaN holds
enum { FRACTION_BITS = 52, EXPONENT_BIAS = 1023, TERMS = 14 };
static const wide EXP_LOWEST = -746, EXP_HIGHEST = 710, TANH_IS_ONE = 20;               // beyond: 0, infinity, 1
static const wide LN2_HIGH = 6.93145751953125E-1, LN2_LOW = 1.42860682030941723212E-6;  // HIGH times n is exact
static const wide TAYLOR[] = {
    1,           1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,        1.0 / 5040,
    1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200};
#else
typedef float wide;
typedef int32_t whole;
typedef uint32_t pattern;
enum { FRACTION_BITS = 23, EXPONENT_BIAS = 127, TERMS = 8 };
static const wide EXP_LOWEST = -104, EXP_HIGHEST = 89, TANH_IS_ONE = 10;
static const wide LN2_HIGH = 0.693359375F, LN2_LOW = -2.12194440e-4F;
static const wide TAYLOR[] = {1, 1.0F / 2, 1.0F / 6, 1.0F / 24, 1.0F / 120, 1.0F / 720, 1.0F / 5040, 1.0F / 40320};
#endif

typedef union {
    wide value;
    pattern bits;
} Pun;

// x where the condition holds, else y; by their bits, since a branch would keep the compiler from computing several
// numbers at once.
static inline wide pick(bool condition, wide x, wide y) {
    const pattern mask = (pattern)0 - condition;
    Pun a = {.value = x}, b = {.value = y}, picked = {.bits = (a.bits & mask) | (b.bits & ~mask)};
    return picked.value;
}

// 2^n for -EXPONENT_BIAS < n <= EXPONENT_BIAS
static inline wide power_of_two(whole n) {
    Pun pun = {.bits = ((pattern)n + EXPONENT_BIAS) << FRACTION_BITS};
    return pun.value;
}

// x = n ln 2 + r; returns n. Adding 1.5 * 2^FRACTION_BITS leaves no room for a fraction: the sum is rounded to a whole.
static inline whole reduce(wide x, wide *r) {
    const wide shift = (wide)3 * (wide)((whole)1 << (FRACTION_BITS - 1));
    Pun sum = {.value = x * (wide)1.44269504088896340736 + shift}, zero = {.value = shift};
    wide n = sum.value - shift;
    *r = (x - n * LN2_HIGH) - n * LN2_LOW;
    return (whole)(sum.bits - zero.bits);
}

// exp(r) - 1 = r (1 + r/2! + r^2/3! + ...)
static inline wide taylor_expm1(wide r) {
    wide sum = TAYLOR[TERMS - 1];
    for (int k = TERMS - 2; k >= 0; k--) { sum = TAYLOR[k] + sum * r; }
    return sum * r;
}

static inline wide fast_exp(wide x) {
    wide r, inside = pick(x < EXP_LOWEST, EXP_LOWEST, x);  // a NaN passes both comparisons, and stays one
    inside = pick(inside > EXP_HIGHEST, EXP_HIGHEST, inside);
    whole n = reduce(inside, &r), half = n / 2;
    return (1 + taylor_expm1(r)) * power_of_two(half) * power_of_two(n - half);  // in two steps: 2^n may be subnormal
}

// tanh(x) = (exp(2|x|) - 1) / (exp(2|x|) + 1), with the sign of x
static inline wide fast_tanh(wide x) {
    wide r, size = fabs(x);
    size = pick(size > TANH_IS_ONE, TANH_IS_ONE, size);  // a NaN stays one
    wide scale = power_of_two(reduce(2 * size, &r));
    wide expm1 = scale * taylor_expm1(r) + (scale - 1);  // scale - 1 is exact, and so is the sum where scale is 1
    return copysign(expm1 / (expm1 + 2), x);             // of -0 it is -0
}

#endif
