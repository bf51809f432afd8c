// cached_attention.c: attention of one more token to those before it, whose keys and values are kept.
#include "../mlp_c/fast/dispatch.h"

// y = attention of the token at position t to those up to itself        qkv (3,E), keys (H,S,T), values (H,T,S)  ->  y
// (E,). The loops run along T and along S, so that several numbers are computed at once.
DISPATCH
static void attend(real *restrict y, real *restrict scores, real *restrict keys, real *restrict values,
                   const real *restrict qkv, size_t T, size_t E, size_t H, size_t t) {
    const size_t S = E / H;
    for (size_t h = 0; h < H; h++, y += S, qkv += S, keys += S * T, values += S * T) {
        const real *q = qkv, *k = q + E, *v = k + E;
        real largest = -INFINITY, sum = 0;
        for (size_t u = 0; u <= t; u++) { scores[u] = 0; }
        for (size_t s = 0; s < S; s++) {
            keys[s * T + t] = k[s], values[t * S + s] = v[s], y[s] = 0;
            for (size_t u = 0; u <= t; u++) { scores[u] += q[s] * keys[s * T + u]; }
        }
        for (size_t u = 0; u <= t; u++) {
            scores[u] /= sqrt((real)S);
            largest = scores[u] > largest ? scores[u] : largest;
        }
        for (size_t u = 0; u <= t; u++) { sum += scores[u] = exp(scores[u] - largest); }
        for (size_t u = 0; u <= t; u++) {
            const real p = scores[u] / sum;
            for (size_t s = 0; s < S; s++) { y[s] += p * values[u * S + s]; }
        }
    }
}
