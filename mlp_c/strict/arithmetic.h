// arithmetic.h: what the ops are written in besides + - * / of two numbers, side by side: native, at full speed, and
// strict.
//
// Strict: every float that is stored is the one nearest to the exact result of its operation on floats, so that it does
// not depend on the order of additions, the compiler, the CPU or the number of threads. The strict product is in
// matmul_strict.c.
#ifndef NNZ_ARITHMETIC_H
#define NNZ_ARITHMETIC_H

#include <tgmath.h>

#include "elementary.h"
#include "matmul.h"
#include "real.h"
#include "threads.h"

#ifdef NNZ_STRICT

#include "exact.h"
#include "hard_cases.h"

typedef Exact Sum;  // begins as {0}

static inline void sum_add(Sum *sum, real x) { exact_add(sum, x); }
static inline real sum_value(const Sum *sum) { return exact_nearest(sum); }

// f(x), of which y is off by HARD_MARGIN at most. Where that leaves two floats, x is in the table, or y is near enough.
static inline real nearest(double y, real x, const HardCase *hard, size_t n) {
    const real low = (real)(y * (1 - HARD_MARGIN)), high = (real)(y * (1 + HARD_MARGIN));
    union {
        real value;
        uint32_t bits;
    } given = {.value = x}, found = {.value = (real)y};
    for (size_t i = 0; low != high && i < n; i++) { found.bits = hard[i].x == given.bits ? hard[i].y : found.bits; }
    return found.value;
}

static inline real real_exp(real x) { return nearest(fast_exp(x), x, HARD_EXP, HARD_EXP_COUNT); }
static inline real real_log(real x) { return nearest(log((double)x), x, HARD_LOG, HARD_LOG_COUNT); }

static inline real quotient(real x, real divisor, real inverse) { return (void)inverse, x / divisor; }

// Of many numbers the hard ones are looked up afterwards, so that the compiler can compute several at once.
static inline real real_tanh(real x) { return (real)fast_tanh(x); }
static inline void settle_tanh(real *restrict y, const real *restrict x, size_t n) {
    for (size_t h = 0; h < HARD_TANH_COUNT; h++) {
        union {
            uint32_t bits;
            real value;
        } hard = {.bits = HARD_TANH[h].x}, known = {.bits = HARD_TANH[h].y};
        for (size_t i = 0; i < n; i++) { y[i] = x[i] == hard.value ? known.value : y[i]; }
    }
}

// The sum of x (n,)
static inline real total(const real *x, size_t n) {
    Sum sum = {0};
    for (size_t i = 0; i < n; i++) { sum_add(&sum, x[i]); }
    return sum_value(&sum);
}

// total[j] += the sum of column j        rows (B,M)  ->  total (M,)
static inline void add_rows(real *total, const real *rows, size_t B, size_t M) {
    const real one = 1;  // a sum is a product with ones
    matmul_add(total, &one, 0, 0, rows, M, 1, 1, M, B);
}

// table[ids[i]] += the sum of all rows of that id        rows (n,E)  ids (n,)  ->  table (V,E)
static inline void scatter_add(real *restrict table, const real *restrict rows, const int32_t *restrict ids, size_t n,
                               size_t E) {
    enum { TOGETHER = 64 };
    for (size_t i = 0; i < n; i++) {
        size_t first = 0;
        while (ids[first] != ids[i]) { first++; }
        for (size_t e = 0; first == i && e < E; e += TOGETHER) {  // once for each id
            const size_t end = e + smaller(TOGETHER, E - e);
            Sum sum[TOGETHER] = {0};
            for (size_t k = i; k < n; k++) {
                for (size_t j = e; ids[k] == ids[i] && j < end; j++) { sum_add(sum + j - e, rows[k * E + j]); }
            }
            for (size_t j = e; j < end; j++) { table[(size_t)ids[i] * E + j] += sum_value(sum + j - e); }
        }
    }
}

#else

typedef real Sum;

static inline void sum_add(Sum *sum, real x) { *sum += x; }
static inline real sum_value(const Sum *sum) { return *sum; }

// x / divisor, by its inverse: a division takes as long as five products.
static inline real quotient(real x, real divisor, real inverse) { return (void)divisor, x * inverse; }

static inline real real_tanh(real x) { return fast_tanh(x); }
static inline real real_exp(real x) { return fast_exp(x); }
static inline real real_log(real x) { return log(x); }

static inline void settle_tanh(real *y, const real *x, size_t n) { (void)y, (void)x, (void)n; }  // none is hard

static inline real total(const real *x, size_t n) {
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) { sum += x[i]; }
    return sum;
}

static inline void add_rows(real *restrict total, const real *restrict rows, size_t B, size_t M) {
    enum { TOGETHER = 64 };  // whole lines of the cache, so that two threads seldom write to the same one
    const size_t threads = (size_t)threads_for(4 * B * M), all = threads * TOGETHER;
    const size_t share = (M + all - 1) / all * TOGETHER;
#pragma omp parallel for schedule(static) num_threads((int)threads)
    for (size_t first = 0; first < M; first += share) {
        const size_t last = first + smaller(share, M - first);
        for (size_t i = 0; i < B; i++) {
            for (size_t j = first; j < last; j++) { total[j] += rows[i * M + j]; }
        }
    }
}

static inline void scatter_add(real *restrict table, const real *restrict rows, const int32_t *restrict ids, size_t n,
                               size_t E) {
    for (size_t i = 0; i < n; i++) {
        real *row = table + (size_t)ids[i] * E;
        for (size_t e = 0; e < E; e++) { row[e] += rows[i * E + e]; }
    }
}

#endif
#endif
