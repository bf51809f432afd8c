// cache.c: generation: one more token in each sequence, after those whose keys and values are kept. After gpt.c and
// cached_attention.c.
//
// What position t is in a block depends on tokens 0 .. t alone, so that its key and value are computed once. Once the
// context is full and the window slides, every token is at another position, and nothing kept is valid any more.
// keys (L,B,H,S,T), values (L,B,H,T,S), S = E / H, and the scores of a head
size_t gpt_cache_size(const GPTConfig *c, size_t B) { return (2 * c->L * B * c->E + 1) * c->T; }

// block_forward of the token at position t, without dropout
static void block_append(const GPT *m, size_t l, real *y, real *cache, size_t t) {
    const size_t B = m->B, T = m->c.T, E = m->c.E, H = m->c.H, of_layer = B * E * T;
    const BlockParameters p = m->blocks[l].p;
    const BlockActivations a = m->blocks[l].a;
    real *keys = cache + 2 * l * of_layer, *values = keys + of_layer, *scores = cache + 2 * m->c.L * of_layer;
    norm_forward(a.norm1, a.mean1, a.rstd1, a.x, p.norm1_weight, p.norm1_bias, B, E, EPS);
    linear_forward(a.qkv, a.norm1, p.qkv_weight, p.qkv_bias, B, E, 3 * E);  // (B,E) -> (B,3,E)
    for (size_t b = 0; b < B; b++) {
        attend(a.att + b * E, scores, keys + b * E * T, values + b * E * T, a.qkv + b * 3 * E, T, E, H, t);
    }
    linear_forward(a.mid, a.att, p.proj_weight, p.proj_bias, B, E, E);
    add(a.mid, a.x, B * E);
    norm_forward(a.norm2, a.mean2, a.rstd2, a.mid, p.norm2_weight, p.norm2_bias, B, E, EPS);
    linear_forward(a.fc1, a.norm2, p.fc1_weight, p.fc1_bias, B, E, 4 * E);
    activation_forward(m, a.act, a.fc1, B * 4 * E);
    linear_forward(y, a.act, p.fc2_weight, p.fc2_bias, B, 4 * E, E);
    add(y, a.mid, B * E);
}

void gpt_append(GPT *m, real *logits, real *cache, const int32_t *ids, size_t n, size_t t) {
    const size_t B = m->B, V = m->c.V, E = m->c.E, L = m->c.L;
    const Parameters p = m->p;
    const Activations a = m->a;
    real *x = embedded(m);
    for (size_t i = 0; i < n; i++) {
        for (size_t b = 0; b < B; b++) {
            embedding_forward(x + b * E, p.wte, ids + b * n + i, 1, 1, E);
            add(x + b * E, p.wpe + (t + i) * E, E);
        }
        norm_before_blocks(m, B);
        for (size_t l = 0; l < L; l++) {
            block_append(m, l, l + 1 < L ? m->blocks[l + 1].a.x : after_blocks(m), cache, t + i);
        }
    }
    norm_after_blocks(m, B);
    linear_forward(logits, a.norm, p.head_weight, p.head_bias, B, E, V);
}
