// embedding.c: look up a row per token.
#include "ops.h"

// emb[b,t] = wte[ids[b,t]]        wte (V,E)  ids (B,T)  ->  emb (B,T,E)
void embedding_forward(real *emb, const real *wte, const int32_t *ids, size_t B, size_t T, size_t E) {
    for (size_t i = 0; i < B * T; i++) {
        const real *row = wte + (size_t)ids[i] * E;
        for (size_t e = 0; e < E; e++) { emb[i * E + e] = row[e]; }
    }
}

// dwte[v] = sum of demb[b,t] where ids[b,t] = v        demb (B,T,E)  ids (B,T)  ->  dwte (V,E)
void embedding_backward(real *dwte, const real *demb, const int32_t *ids, size_t B, size_t T, size_t E) {
    for (size_t i = 0; i < B * T; i++) {
        real *drow = dwte + (size_t)ids[i] * E;  // a token that comes twice gathers both gradients
        for (size_t e = 0; e < E; e++) { drow[e] += demb[i * E + e]; }
    }
}
