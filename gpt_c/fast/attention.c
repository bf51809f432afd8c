// attention.c: each token takes from those before it and from itself, in H heads side by side.
//
// The products are those of the linear layer, of a block of queries and the keys up to its last one, so that little is
// computed of what is not seen. Each head of each sequence is one thread's, whose sums run in one order.
#include <string.h>

#include "../ops/ops.h"
#include "../../mlp_c/fast/dispatch.h"
#include "../../mlp_c/fast/elementary.h"
#include "../../mlp_c/fast/matmul.h"
#include "../../mlp_c/fast/threads.h"
#include "short_attention.h"

enum { QUERIES = 4 * ROWS, KEYS = 1024 / sizeof(real) };  // of a tile of weights, which stays in the cache

typedef struct {
    real *y, *probs, *dqkv;  // probs is only read by the backward
    const real *dy, *qkv, *mask;
    size_t T, E, H;
} Attention;

// p = softmax of the scores p / root over the keys up to the query, else 0, in place        p (n,keys), T apart; its
// first row is query t.
DISPATCH
static void softmax_rows(real *p, size_t T, size_t n, size_t keys, size_t t, real root) {
    for (size_t i = 0; i < n; i++, t++, p += T) {
        real largest = -INFINITY, sum = 0;
        for (size_t u = t + 1; u < keys; u++) { p[u] = p[t]; }  // whole blocks are computed faster than their parts
#pragma omp simd reduction(max : largest)
        for (size_t u = 0; u < keys; u++) {
            p[u] /= root;
            largest = p[u] > largest ? p[u] : largest;
        }
        for (size_t u = 0; u < keys; u++) { p[u] = fast_exp(p[u] - largest); }
        for (size_t u = t + 1; u < keys; u++) { p[u] = 0; }
#pragma omp simd reduction(+ : sum)
        for (size_t u = 0; u < keys; u++) { sum += p[u]; }
        for (size_t u = 0; u < keys; u++) { p[u] /= sum; }
    }
}

// tile = p mask        p, mask (n,keys), T apart  ->  tile (n,keys), KEYS apart
DISPATCH
static void mask_tile(real *restrict tile, const real *restrict p, const real *restrict mask, size_t T, size_t n,
                      size_t keys) {
    for (size_t i = 0; i < n; i++) {
        for (size_t u = 0; u < keys; u++) { tile[i * KEYS + u] = p[i * T + u] * mask[i * T + u]; }
    }
}

static void attention_forward_part(const void *of, size_t head) {
    const Attention a = *(const Attention *)of;
    const size_t T = a.T, E = a.E, S = E / a.H, row = 3 * E, first = head / a.H * T * row + head % a.H * S;
    const real *q = a.qkv + first, *k = q + E, *v = k + E;
    real *y = a.y + head / a.H * T * E + head % a.H * S, tile[QUERIES * KEYS];
    if (T <= SHORT) {
        short_forward(y, a.probs + head * T * T, q, a.mask ? a.mask + head * T * T : NULL, T, E, S);
        return;
    }
    for (size_t u = 0; u < T; u += COLS) {  // a panel of keys, and the queries that see them: each is packed once
        real *corner = a.probs + (head * T + u) * T + u;
        multiply(corner, T, NULL, 0, q + u * row, row, 1, k + u * row, 1, row, T - u, min_size(COLS, T - u), S);
    }
    for (size_t t = 0; t < T; t += QUERIES, y += QUERIES * E) {
        const size_t n = min_size(QUERIES, T - t), keys = t + n, weights = (head * T + t) * T;
        real *p = a.probs + weights;
        for (size_t i = 0; i < n; i++) { memset(p + i * T + keys, 0, (T - keys) * sizeof(real)); }
        softmax_rows(p, T, n, keys, t, sqrt((real)S));
        for (size_t u = 0; u < keys; u += KEYS) {
            const size_t m = min_size(KEYS, keys - u);
            if (a.mask) {
                mask_tile(tile, p + u, a.mask + weights + u, T, n, m);
            }
            multiply(y, E, u > 0 ? y : NULL, E, a.mask ? tile : p + u, a.mask ? KEYS : T, 1, v + u * row, row, 1, n, S,
                     m);  // (n,m) (m,S)
        }
    }
}

// probs[t,u] = softmax over u <= t of q[t] . k[u] / sqrt(E/H), else 0, y[t] = sum of probs[t,u] mask[t,u] v[u] over u,
// in each head; q, k, v = qkv[:,:,0], qkv[:,:,1], qkv[:,:,2]
// qkv (B,T,3,E)  mask (B,H,T,T)  ->  y (B,T,E)  probs (B,H,T,T)
void attention_forward(real *y, real *probs, const real *qkv, const real *mask, size_t B, size_t T, size_t E,
                       size_t H) {
    const Attention a = {.y = y, .probs = probs, .qkv = qkv, .mask = mask, .T = T, .E = E, .H = H};
    in_parallel(attention_forward_part, &a, B * H, 2 * B * T * T * E);
}

// tile = mask dy v^T        dy (n,S)  v (keys,S)  mask (n,keys), T apart  ->  tile (n,keys), KEYS apart
static void dprobs_tile(real *tile, const Attention *a, const real *dy, const real *v, const real *mask, size_t n,
                        size_t keys) {
    multiply(tile, KEYS, NULL, 0, dy, a->E, 1, v, 1, 3 * a->E, n, keys, a->E / a->H);
    for (size_t i = 0; i < n && mask; i++) {
        for (size_t u = 0; u < keys; u++) { tile[i * KEYS + u] *= mask[i * a->T + u]; }
    }
}

// sum[t] += the sum of p dprobs over the keys
DISPATCH
static void sum_tile(real *restrict sum, const real *restrict dprobs, const real *restrict p, size_t T, size_t n,
                     size_t keys) {
    for (size_t i = 0; i < n; i++) {
        real all = 0;
#pragma omp simd reduction(+ : all)
        for (size_t u = 0; u < keys; u++) { all += p[i * T + u] * dprobs[i * KEYS + u]; }
        sum[i] += all;
    }
}

// dscores = p (dprobs - sum) / root, in place
DISPATCH
static void dscores_tile(real *restrict tile, const real *restrict p, const real *restrict sum, size_t T, size_t n,
                         size_t keys, real root) {
    for (size_t i = 0; i < n; i++) {
        for (size_t u = 0; u < keys; u++) { tile[i * KEYS + u] = p[i * T + u] * (tile[i * KEYS + u] - sum[i]) / root; }
    }
}

static void attention_backward_part(const void *of, size_t head) {
    const Attention a = *(const Attention *)of;
    const size_t T = a.T, E = a.E, S = E / a.H, row = 3 * E, first = head / a.H * T * row + head % a.H * S;
    const real *q = a.qkv + first, *k = q + E, *v = k + E, *dy = a.dy + head / a.H * T * E + head % a.H * S;
    real *dq = a.dqkv + first, *dk = dq + E, *dv = dk + E, tile[QUERIES * KEYS];
    if (T <= SHORT) {
        const size_t weights = head * T * T;
        short_backward(dq, dy, q, a.probs + weights, a.mask ? a.mask + weights : NULL, T, E, S);
        return;
    }
    for (size_t t = 0; t < T; t += QUERIES, q += QUERIES * row, dq += QUERIES * row, dy += QUERIES * E) {
        const size_t n = min_size(QUERIES, T - t), keys = t + n, weights = (head * T + t) * T;
        const real *p = a.probs + weights, *mask = a.mask ? a.mask + weights : NULL;
        real sum[QUERIES] = {0};  // of probs dprobs over all keys: each probability is divided by the sum of all
        for (size_t u = 0; u < keys; u += KEYS) {
            const size_t m = min_size(KEYS, keys - u);
            dprobs_tile(tile, &a, dy, v + u * row, mask ? mask + u : NULL, n, m);
            sum_tile(sum, tile, p + u, T, n, m);
        }
        for (size_t u = 0; u < keys; u += KEYS) {
            const size_t m = min_size(KEYS, keys - u);
            if (keys > KEYS) {  // else it is still there
                dprobs_tile(tile, &a, dy, v + u * row, mask ? mask + u : NULL, n, m);
            }
            dscores_tile(tile, p + u, sum, T, n, m, sqrt((real)S));
            multiply(dq, row, dq, row, tile, KEYS, 1, k + u * row, row, 1, n, S, m);            // (n,m) (m,S)
            multiply(dk + u * row, row, dk + u * row, row, tile, 1, KEYS, q, row, 1, m, S, n);  // (m,n) (n,S)
            if (mask) {
                mask_tile(tile, p + u, mask + u, T, n, m);
            }
            multiply(dv + u * row, row, dv + u * row, row, mask ? tile : p + u, 1, mask ? KEYS : T, dy, E, 1, m, S, n);
        }
    }
}

// dv[u] = sum of probs[t,u] mask[t,u] dy[t] over t, dprobs[t,u] = mask[t,u] dy[t] . v[u], dscores[t,u] = probs[t,u]
// (dprobs[t,u] - sum of probs[t,w] dprobs[t,w] over w) / sqrt(E/H), dq[t] = sum of dscores[t,u] k[u] over u, dk[u] =
// sum of dscores[t,u] q[t] over t
// dy (B,T,E)  qkv (B,T,3,E)  probs (B,H,T,T)  mask (B,H,T,T)  ->  dqkv (B,T,3,E)
void attention_backward(real *dqkv, const real *dy, const real *qkv, const real *probs, const real *mask, size_t B,
                        size_t T, size_t E, size_t H) {
    const Attention a = {
        .dqkv = dqkv, .dy = dy, .qkv = qkv, .probs = (real *)probs, .mask = mask, .T = T, .E = E, .H = H};
    in_parallel(attention_backward_part, &a, B * H, 4 * B * T * T * E);
}
