// attention.c: each token takes from those before it and from itself, in H heads side by side.
#include "ops.h"

// probs[t,u] = softmax over u <= t of q[t] . k[u] / sqrt(E/H), else 0, y[t] = sum of probs[t,u] mask[t,u] v[u] over u,
// in each head; q, k, v = qkv[:,:,0], qkv[:,:,1], qkv[:,:,2]
// qkv (B,T,3,E)  mask (B,H,T,T)  ->  y (B,T,E)  probs (B,H,T,T)
void attention_forward(real *y, real *probs, const real *qkv, const real *mask, size_t B, size_t T, size_t E,
                       size_t H) {
    const size_t S = E / H;  // numbers of a head
    for (size_t b = 0; b < B; b++) {
        for (size_t h = 0; h < H; h++) {
            const real *q = qkv + b * T * 3 * E + h * S, *k = q + E, *v = k + E;  // of token t: 3 * E * t further on
            for (size_t t = 0; t < T; t++) {
                const size_t row = ((b * H + h) * T + t) * T;
                real *p = probs + row, *out = y + (b * T + t) * E + h * S, largest = -INFINITY, sum = 0;
                for (size_t u = 0; u <= t; u++) {
                    real score = 0;
                    for (size_t s = 0; s < S; s++) { score += q[t * 3 * E + s] * k[u * 3 * E + s]; }
                    p[u] = score / sqrt((real)S);
                    largest = p[u] > largest ? p[u] : largest;
                }
                for (size_t u = 0; u <= t; u++) { sum += p[u] = exp(p[u] - largest); }
                for (size_t u = 0; u < T; u++) { p[u] = u <= t ? p[u] / sum : 0; }  // what is to come is not seen
                for (size_t s = 0; s < S; s++) { out[s] = 0; }
                for (size_t u = 0; u <= t; u++) {
                    const real weight = mask ? p[u] * mask[row + u] : p[u];
                    for (size_t s = 0; s < S; s++) { out[s] += weight * v[u * 3 * E + s]; }
                }
            }
        }
    }
}

// dv[u] = sum of probs[t,u] mask[t,u] dy[t] over t, dprobs[t,u] = mask[t,u] dy[t] . v[u], dscores[t,u] = probs[t,u]
// (dprobs[t,u] - sum of probs[t,w] dprobs[t,w] over w) / sqrt(E/H), dq[t] = sum of dscores[t,u] k[u] over u, dk[u] =
// sum of dscores[t,u] q[t] over t
// dy (B,T,E)  qkv (B,T,3,E)  probs (B,H,T,T)  mask (B,H,T,T)  ->  dqkv (B,T,3,E)
void attention_backward(real *dqkv, const real *dy, const real *qkv, const real *probs, const real *mask, size_t B,
                        size_t T, size_t E, size_t H) {
    const size_t S = E / H;
    for (size_t b = 0; b < B; b++) {
        for (size_t h = 0; h < H; h++) {
            const size_t first = b * T * 3 * E + h * S;
            const real *q = qkv + first, *k = q + E, *v = k + E;
            real *dq = dqkv + first, *dk = dq + E, *dv = dk + E;
            for (size_t t = 0; t < T; t++) {
                const size_t row = ((b * H + h) * T + t) * T;
                const real *p = probs + row, *dout = dy + (b * T + t) * E + h * S;
                real sum = 0;  // of probs dprobs: each probability is divided by the sum of all
                for (size_t u = 0; u <= t; u++) {
                    const real m = mask ? mask[row + u] : 1;
                    real dp = 0;
                    for (size_t s = 0; s < S; s++) { dp += dout[s] * v[u * 3 * E + s]; }
                    sum += p[u] * (m * dp);
                    for (size_t s = 0; s < S; s++) { dv[u * 3 * E + s] += p[u] * m * dout[s]; }
                }
                for (size_t u = 0; u <= t; u++) {
                    real dp = 0;
                    for (size_t s = 0; s < S; s++) { dp += dout[s] * v[u * 3 * E + s]; }
                    const real dscore = p[u] * ((mask ? mask[row + u] : 1) * dp - sum) / sqrt((real)S);
                    for (size_t s = 0; s < S; s++) { dq[t * 3 * E + s] += dscore * k[u * 3 * E + s]; }
                    for (size_t s = 0; s < S; s++) { dk[u * 3 * E + s] += dscore * q[t * 3 * E + s]; }
                }
            }
        }
    }
}
