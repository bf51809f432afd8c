// exact.h: a sum without any rounding, of float32 numbers or of products of two, and the float32 nearest to it.
//
// A long fixed-point number: LIMBS digits of 32 bits, each in an int64_t with room for the carries of 2^31 additions.
// Its first bit is worth 2^FIRST_BIT, below the smallest product, 2^-298; its last is far above the largest, 2^256.
// (Kulisch and Miranker 1981, Computer Arithmetic in Theory and Practice: the long accumulator.)
#ifndef NNZ_EXACT_H
#define NNZ_EXACT_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum { LIMBS = 21, FIRST_BIT = -352 };

typedef struct {
    int64_t limb[LIMBS];
    double special;  // the sum of infinities and NaNs, which have no place in it
} Exact;

// x must be a float32, or a product of two of them, which a double holds exactly.
static inline void exact_add(Exact *sum, double x) {
    const union {
        double value;
        uint64_t bits;
    } pun = {.value = x};
    const int exponent = (int)(pun.bits >> 52 & 0x7FF);
    if (exponent == 0) {
        return;  // zero: no product is so small as to be a subnormal double
    }
    if (exponent == 0x7FF) {
        sum->special += x;
        return;
    }
    const uint64_t fraction = (pun.bits & 0xFFFFFFFFFFFFF) | 0x10000000000000;  // x = +-fraction 2^(exponent - 1075)
    const int place = exponent - 1075 - FIRST_BIT, shift = place % 32;
    const uint64_t rest = fraction >> (32 - shift);
    int64_t *limb = sum->limb + place / 32;
    const int64_t sign = x < 0 ? -1 : 1;
    limb[0] += sign * (int64_t)(fraction << shift & 0xFFFFFFFF);
    limb[1] += sign * (int64_t)(rest & 0xFFFFFFFF);
    limb[2] += sign * (int64_t)(rest >> 32);
}

// sum += other
static inline void exact_add_all(Exact *sum, const Exact *other) {
    for (int i = 0; i < LIMBS; i++) { sum->limb[i] += other->limb[i]; }
    sum->special += other->special;
}

// Write the digits of `sign` times the sum, each below 2^32; tell whether it is at least 0, as they can only be then.
static inline int exact_digits(const Exact *sum, int64_t sign, uint32_t digits[LIMBS]) {
    int64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        const int64_t limb = sign * sum->limb[i] + carry, digit = limb & 0xFFFFFFFF;
        digits[i] = (uint32_t)digit;
        carry = (limb - digit) / 4294967296;
    }
    return carry >= 0;
}

// The sum as +-number 2^exponent, of up to `bits` bits, of which the last stands for all that is cut off, too: no
// midpoint of shorter numbers has one there. Tells whether it is at least 0.
static inline int exact_number(const Exact *sum, int bits, uint64_t *number, int *exponent) {
    uint32_t digits[LIMBS];
    const int positive = exact_digits(sum, 1, digits);
    if (!positive) {
        exact_digits(sum, -1, digits);
    }
    int top = LIMBS - 1, shift = 0;
    while (top > 2 && digits[top] == 0) { top--; }
    uint64_t n = (uint64_t)digits[top] << 32 | digits[top - 1];
    while (shift < 31 && n << shift >> 63 == 0) { shift++; }
    const uint64_t next = (uint64_t)digits[top - 2] << shift;
    bool rest = (next & 0xFFFFFFFF) != 0;
    for (int i = 0; i < top - 2; i++) { rest |= digits[i] != 0; }
    n = n << shift | next >> 32 | rest;
    *exponent = FIRST_BIT + 32 * (top - 1) - shift;
    for (; n >> bits != 0; ++*exponent) { n = n >> 1 | (n & 1); }
    *number = n;
    return positive;
}

// The nearest float32, of two equally near the even one. An exact zero is +0.
static inline float exact_nearest(const Exact *sum) {
    uint64_t number;
    int exponent;
    if (sum->special != 0) {  // an infinity or a NaN
        return (float)sum->special;
    }
    const int positive = exact_number(sum, 53, &number, &exponent);
    const float nearest = (float)ldexp((double)number, exponent);
    return (positive ? nearest : -nearest) + 0.0F;
}

// The nearest float64 of a sum that is at least 0
static inline double exact_nearest_double(const Exact *sum) {
    uint64_t number;
    int exponent;
    if (sum->special != 0) {
        return sum->special;
    }
    exact_number(sum, 63, &number, &exponent);
    return ldexp((double)number, exponent);  // the conversion rounds
}

#endif
