// embedding.c: look up a row per token.
#include "../fast/threads.h"
#include "../ops/ops.h"
#include "exact.h"

// emb[b,t] = wte[ids[b,t]]        wte (V,E)  ids (B,T)  ->  emb (B,T,E)
void embedding_forward(real *emb, const real *wte, const int32_t *ids, size_t B, size_t T, size_t E) {
    for (size_t i = 0; i < B * T; i++) {
        const real *row = wte + (size_t)ids[i] * E;
        for (size_t e = 0; e < E; e++) { emb[i * E + e] = row[e]; }
    }
}

// dwte[v] = sum of demb[b,t] where ids[b,t] = v        demb (B,T,E)  ids (B,T)  ->  dwte (V,E)
void embedding_backward(real *dwte, const real *demb, const int32_t *ids, size_t B, size_t T, size_t E) {
    enum { TOGETHER = 64 };
    const size_t n = B * T;
    for (size_t i = 0; i < n; i++) {
        size_t first = 0;
        while (ids[first] != ids[i]) { first++; }
        for (size_t e = 0; first == i && e < E; e += TOGETHER) {  // once for each id
            const size_t end = e + min_size(TOGETHER, E - e);
            Exact sum[TOGETHER] = {0};
            for (size_t k = i; k < n; k++) {
                for (size_t j = e; ids[k] == ids[i] && j < end; j++) { exact_add(sum + j - e, demb[k * E + j]); }
            }
            for (size_t j = e; j < end; j++) { dwte[(size_t)ids[i] * E + j] += exact_nearest(sum + j - e); }
        }
    }
}
