// short_attention.h: a head's attention over a short sequence, with all queries side by side: what a query sums over
// its keys is then a sum of vectors, without a matrix product's packing. It does what attention.c does for any length.
#ifndef NNZ_SHORT_ATTENTION_H
#define NNZ_SHORT_ATTENTION_H

#include "../ops/ops.h"
#include "../../mlp_c/fast/dispatch.h"
#include "../../mlp_c/fast/elementary.h"

enum { SHORT = 16 };  // the most tokens

// column = one number of each token, `stride` apart
static inline void gather(real *restrict column, const real *restrict x, size_t stride, size_t T) {
    for (size_t t = 0; t < T; t++) { column[t] = x[t * stride]; }
}

// x = x mask of query t, for all keys, where there is a mask
static inline void weigh(real *restrict x, const real *restrict mask, size_t t, size_t T) {
    for (size_t u = 0; u < T && mask != NULL; u++) { x[u] *= mask[t * T + u]; }
}

// As attention_forward of one head        q, k, v (T,S), 3 E apart  mask (T,T)  ->  y (T,S), E apart  probs (T,T)
DISPATCH
static void short_forward(real *restrict y, real *restrict probs, const real *restrict q, const real *restrict mask,
                          size_t T, size_t E, size_t S) {
    const size_t row = 3 * E;
    const real *k = q + E, *v = k + E, root = sqrt((real)S);
    _Alignas(64) real all[SHORT * SHORT], column[SHORT] = {0}, largest[SHORT], sum[SHORT] = {0};
    real(*p)[SHORT] = (real(*)[SHORT])all;  // (keys, queries)
    for (size_t u = 0; u < T; u++) {
#pragma omp simd
        for (size_t t = 0; t < SHORT; t++) { p[u][t] = 0; }
    }
    for (size_t s = 0; s < S; s++) {
        gather(column, q + s, row, T);
        for (size_t u = 0; u < T; u++) {
#pragma omp simd
            for (size_t t = 0; t < SHORT; t++) { p[u][t] += column[t] * k[u * row + s]; }
        }
    }
    for (size_t u = 0; u < T; u++) {
#pragma omp simd
        for (size_t t = 0; t < SHORT; t++) {
            p[u][t] /= root;
            largest[t] = u == 0 || (u <= t && p[u][t] > largest[t]) ? p[u][t] : largest[t];
        }
    }
    for (size_t u = 0; u < T; u++) {
#pragma omp simd
        for (size_t t = 0; t < SHORT; t++) { p[u][t] -= largest[t]; }
    }
    for (size_t i = 0; i < T * SHORT; i++) { all[i] = fast_exp(all[i]); }
    for (size_t u = 0; u < T; u++) {
#pragma omp simd
        for (size_t t = 0; t < SHORT; t++) {
            p[u][t] = u <= t ? p[u][t] : 0;
            sum[t] += p[u][t];
        }
    }
    for (size_t u = 0; u < T; u++) {
#pragma omp simd
        for (size_t t = 0; t < SHORT; t++) { p[u][t] /= sum[t]; }
        for (size_t t = 0; t < T; t++) { probs[t * T + u] = p[u][t]; }
        for (size_t t = 0; t < T && mask != NULL; t++) { p[u][t] *= mask[t * T + u]; }
    }
    for (size_t s = 0; s < S; s++) {
#pragma omp simd
        for (size_t t = 0; t < SHORT; t++) { column[t] = 0; }
        for (size_t u = 0; u < T; u++) {
#pragma omp simd
            for (size_t t = 0; t < SHORT; t++) { column[t] += p[u][t] * v[u * row + s]; }
        }
        for (size_t t = 0; t < T; t++) { y[t * E + s] = column[t]; }
    }
}

// As attention_backward of one head, but with the keys side by side        dy (T,S), E apart  q, k, v (T,S), 3 E apart
// probs, mask (T,T)  ->  dq, dk, dv (T,S), 3 E apart
DISPATCH
static void short_backward(real *restrict dq, const real *restrict dy, const real *restrict q,
                           const real *restrict probs, const real *restrict mask, size_t T, size_t E, size_t S) {
    const size_t row = 3 * E;
    const real *k = q + E, *v = k + E, root = sqrt((real)S);
    real *dk = dq + E, *dv = dk + E;
    _Alignas(64) real p[SHORT][SHORT] = {0}, dscores[SHORT][SHORT],
                      of_key[SHORT][SHORT] = {0};  // of_key: dscores transposed
    _Alignas(64) real column[SHORT] = {0}, dkeys[SHORT], dvalues[SHORT], dqueries[SHORT];
    for (size_t t = 0; t < T; t++) {
        gather(p[t], probs + t * T, 1, T);
#pragma omp simd
        for (size_t u = 0; u < SHORT; u++) { dscores[t][u] = 0; }
    }
    for (size_t s = 0; s < S; s++) {
        gather(column, v + s, row, T);
        for (size_t t = 0; t < T; t++) {
#pragma omp simd
            for (size_t u = 0; u < SHORT; u++) { dscores[t][u] += dy[t * E + s] * column[u]; }
        }
    }
    for (size_t t = 0; t < T; t++) {
        real sum = 0;
        weigh(dscores[t], mask, t, T);
#pragma omp simd reduction(+ : sum)
        for (size_t u = 0; u < SHORT; u++) { sum += p[t][u] * dscores[t][u]; }
#pragma omp simd
        for (size_t u = 0; u < SHORT; u++) { dscores[t][u] = p[t][u] * (dscores[t][u] - sum) / root; }
        weigh(p[t], mask, t, T);
        for (size_t u = 0; u < T; u++) { of_key[u][t] = dscores[t][u]; }
    }
    for (size_t s = 0; s < S; s++) {
#pragma omp simd
        for (size_t u = 0; u < SHORT; u++) { dkeys[u] = 0, dvalues[u] = 0, dqueries[u] = 0; }
        for (size_t t = 0; t < T; t++) {
#pragma omp simd
            for (size_t u = 0; u < SHORT; u++) {
                dkeys[u] += dscores[t][u] * q[t * row + s];
                dvalues[u] += p[t][u] * dy[t * E + s];
                dqueries[u] += of_key[t][u] * k[t * row + s];
            }
        }
        for (size_t t = 0; t < T; t++) {
            dk[t * row + s] += dkeys[t], dv[t * row + s] += dvalues[t], dq[t * row + s] += dqueries[t];
        }
    }
}

#endif
