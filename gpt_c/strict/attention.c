// attention.c: each token takes from those before it and from itself, in H heads side by side. The backward is the one
// kernel that allocates: each of its sums rounds once, and needs all dscores of a head at a time.
#include <stdlib.h>
#include <string.h>

#include "../ops/ops.h"
#include "../../mlp_c/fast/threads.h"
#include "../../mlp_c/strict/matmul.h"
#include "softmax.h"

typedef struct {
    real *y, *probs, *dqkv;  // probs is only read by the backward
    const real *dy, *qkv, *mask;
    size_t T, E, H;
} Attention;

// probs and y of one head of one sequence: of S_HEIGHT queries at a time, and the keys up to the last of them
static void attention_part(const void *of, size_t i) {
    const Attention f = *(const Attention *)of;
    const size_t T = f.T, E = f.E, S = E / f.H, b = i / f.H, h = i % f.H;
    const real *q = f.qkv + b * T * 3 * E + h * S, *k = q + E, *v = k + E;  // of token t: 3 * E * t further on
    const Matrix keys = {k, 1, 3 * E, NULL}, values = {v, 3 * E, 1, NULL};  // (S,T) and (T,S)
    real *y = f.y + b * T * E + h * S, *probs = f.probs + i * T * T;
    memset(probs, 0, T * T * sizeof(real));  // what is to come is not seen
    for (size_t t = 0; t < T; t++) { memset(y + t * E, 0, S * sizeof(real)); }
    for (size_t first = 0; first < T; first += S_HEIGHT) {
        const size_t n = min_size(S_HEIGHT, T - first), seen = first + n;
        real *p = probs + first * T;
        product_add(p, T, (Matrix){q + first * 3 * E, 3 * E, 1, NULL}, keys, n, seen, S);
        for (size_t t = 0; t < n; t++) {
            softmax(p + t * T, first + t + 1, sqrt((real)S));
            for (size_t u = first + t + 1; u < seen; u++) { p[t * T + u] = 0; }
        }
        const real *mask = f.mask ? f.mask + i * T * T + first * T : NULL;
        product_add(y + first * E, E, (Matrix){p, T, 1, mask}, values, n, S, seen);
    }
}

// probs[t,u] = softmax over u <= t of q[t] . k[u] / sqrt(E/H), else 0, y[t] = sum of probs[t,u] mask[t,u] v[u] over u,
// in each head; q, k, v = qkv[:,:,0], qkv[:,:,1], qkv[:,:,2]
// qkv (B,T,3,E)  mask (B,H,T,T)  ->  y (B,T,E)  probs (B,H,T,T)
void attention_forward(real *y, real *probs, const real *qkv, const real *mask, size_t B, size_t T, size_t E,
                       size_t H) {
    const Attention f = {.y = y, .probs = probs, .qkv = qkv, .mask = mask, .T = T, .E = E, .H = H};
    in_parallel(attention_part, &f, B * H, 4 * B * T * T * E);
}

// dscores, in place of dprobs, which are not yet multiplied by the mask        dprobs, probs, mask (T,T)
DISPATCH
static void scores_backward(real *d, const real *p, const real *mask, size_t T, real root) {
    for (size_t t = 0; t < T; t++, d += T, p += T) {
        for (size_t u = 0; mask && u <= t; u++) { d[u] *= mask[t * T + u]; }
        const real sum = nearest_dot(p, d, t + 1);  // each probability is divided by the sum of all
        for (size_t u = 0; u <= t; u++) { d[u] = p[u] * (d[u] - sum) / root; }
        for (size_t u = t + 1; u < T; u++) { d[u] = 0; }
    }
}

static void attention_backward_part(const void *of, size_t i) {
    const Attention f = *(const Attention *)of;
    const size_t T = f.T, E = f.E, S = E / f.H, b = i / f.H, h = i % f.H;
    const real *q = f.qkv + b * T * 3 * E + h * S, *k = q + E, *v = k + E, *dy = f.dy + b * T * E + h * S;
    const real *p = f.probs + i * T * T, *mask = f.mask ? f.mask + i * T * T : NULL;
    real *dq = f.dqkv + b * T * 3 * E + h * S, *dk = dq + E, *dv = dk + E;
    real *d = calloc(T * T, sizeof(real));  // no sum here may be rounded in between, so that all of them are needed
    if (d == NULL) {
        for (size_t t = 0; t < T; t++) { dq[t * 3 * E] = NAN; }  // training stops, since its gradient is not finite
        return;
    }
    for (size_t first = 0; first < T; first += S_HEIGHT) {
        const size_t n = min_size(S_HEIGHT, T - first), seen = first + n;
        const Matrix rows = {dy + first * E, E, 1, NULL}, values = {v, 1, 3 * E, NULL};
        product_add(d + first * T, T, rows, values, n, seen, S);  // (n,S) (S,seen)
    }
    scores_backward(d, p, mask, T, sqrt((real)S));
    for (size_t first = 0; first < T; first += S_HEIGHT) {
        const size_t n = min_size(S_HEIGHT, T - first), seen = first + n, on = first * 3 * E, rest = T - first;
        const Matrix after = {d + first * T + first, 1, T, NULL};  // those queries that see these keys, transposed
        const Matrix weights = {p + first * T + first, 1, T, mask ? mask + first * T + first : NULL};
        product_add(dq + on, 3 * E, (Matrix){d + first * T, T, 1, NULL}, (Matrix){k, 3 * E, 1, NULL}, n, S, seen);
        product_add(dk + on, 3 * E, after, (Matrix){q + on, 3 * E, 1, NULL}, n, S, rest);
        product_add(dv + on, 3 * E, weights, (Matrix){dy + first * E, E, 1, NULL}, n, S, rest);
    }
    free(d);
}

// dv[u] = sum of probs[t,u] mask[t,u] dy[t] over t, dprobs[t,u] = mask[t,u] dy[t] . v[u], dscores[t,u] = probs[t,u]
// (dprobs[t,u] - sum of probs[t,w] dprobs[t,w] over w) / sqrt(E/H), dq[t] = sum of dscores[t,u] k[u] over u, dk[u] =
// sum of dscores[t,u] q[t] over t
// dy (B,T,E)  qkv (B,T,3,E)  probs (B,H,T,T)  mask (B,H,T,T)  ->  dqkv (B,T,3,E)
void attention_backward(real *dqkv, const real *dy, const real *qkv, const real *probs, const real *mask, size_t B,
                        size_t T, size_t E, size_t H) {
    const Attention b = {
        .probs = (real *)probs, .dqkv = dqkv, .dy = dy, .qkv = qkv, .mask = mask, .T = T, .E = E, .H = H};
    in_parallel(attention_backward_part, &b, B * H, 8 * B * T * T * E);
}
