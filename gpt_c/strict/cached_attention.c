// cached_attention.c: attention of one more token to those before it, whose keys and values are kept.
#include "../ops/ops.h"
#include "../../mlp_c/strict/matmul.h"
#include "softmax.h"

// As in ../cached_attention.c: the numbers are those of attention_forward, bit by bit.
static void attend(real *y, real *scores, real *keys, real *values, const real *qkv, size_t T, size_t E, size_t H,
                   size_t t) {
    const size_t S = E / H;
    for (size_t h = 0; h < H; h++, y += S, qkv += S, keys += S * T, values += S * T) {
        const real *q = qkv, *k = q + E, *v = k + E;
        for (size_t s = 0; s < S; s++) { keys[s * T + t] = k[s], values[t * S + s] = v[s], y[s] = 0; }
        for (size_t u = 0; u <= t; u++) { scores[u] = 0; }
        product_add(scores, T, (Matrix){q, S, 1, NULL}, (Matrix){keys, T, 1, NULL}, 1, t + 1, S);
        softmax(scores, t + 1, sqrt((real)S));
        product_add(y, S, (Matrix){scores, T, 1, NULL}, (Matrix){values, S, 1, NULL}, 1, S, t + 1);
    }
}
