// gpt.c: the GPT of Radford et al. 2019: its parameters, the forward, and the backward. After memory.c and switches.c,
// which say where its numbers lie and which operations it is made of.
#include "../mlp_c/rng.h"

size_t gpt_parameter_count(const GPTConfig *c) {
    size_t n = 0;
    for (size_t i = 0; i < BEFORE + EACH * c->L + AFTER; i++) { n += gpt_parameter_size(c, i); }
    return n;
}

void gpt_draw_parameters(real *p, const GPTConfig *c, uint64_t seed) {
    RNG rng = {seed};
    for (size_t i = 0; i < BEFORE + EACH * c->L + AFTER; p += gpt_parameter_size(c, i++)) {
        const size_t n = gpt_parameter_size(c, i);
        rng_normals(&rng, p, gpt_is_matrix(i) ? n : 0, 0.02);
        for (size_t j = 0; j < n && !gpt_is_matrix(i); j++) { p[j] = i % 2 == 0; }  // a norm's weight, and not a bias
    }
}

static void add(real *y, const real *x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] += x[i]; }
}

// mid = x + attention(norm1(x)), y = mid + mlp(norm2(mid))        x (B,T,E)  ->  y (B,T,E)
static void block_forward(const GPT *m, size_t l, real *y) {
    const size_t B = m->B, T = m->T, E = m->c.E, H = m->c.H, n = B * T;
    const BlockParameters p = m->blocks[l].p;
    const BlockActivations a = m->blocks[l].a;
    norm_forward(a.norm1, a.mean1, a.rstd1, a.x, p.norm1_weight, p.norm1_bias, n, E, EPS);
    linear_forward(a.qkv, a.norm1, p.qkv_weight, p.qkv_bias, n, E, 3 * E);  // (B,T,E) -> (B,T,3,E)
    const real *mask = draw_mask(m, a.probs_mask, n * H * T, 3 * l + 1);
    attention_forward(a.att, a.probs, a.qkv, mask, B, T, E, H);         // (B,T,3,E) -> (B,T,E)
    linear_forward(a.mid, a.att, p.proj_weight, p.proj_bias, n, E, E);  // (B,T,E)
    drop(m, a.mid, a.proj_mask, n * E, 3 * l + 2);
    add(a.mid, a.x, n * E);
    norm_forward(a.norm2, a.mean2, a.rstd2, a.mid, p.norm2_weight, p.norm2_bias, n, E, EPS);
    linear_forward(a.fc1, a.norm2, p.fc1_weight, p.fc1_bias, n, E, 4 * E);  // (B,T,E) -> (B,T,4*E)
    activation_forward(m, a.act, a.fc1, n * 4 * E);
    linear_forward(y, a.act, p.fc2_weight, p.fc2_bias, n, 4 * E, E);  // (B,T,4*E) -> (B,T,E)
    drop(m, y, a.fc2_mask, n * E, 3 * l + 3);
    add(y, a.mid, n * E);
}

// dx goes from y to x: past each branch it flows as it is, and what comes through the branch is added to it.
static void block_backward(const GPT *m, size_t l) {
    const size_t B = m->B, T = m->T, E = m->c.E, H = m->c.H, n = B * T;
    const BlockParameters p = m->blocks[l].p;
    const BlockActivations a = m->blocks[l].a;
    const Activations g = m->a;                    // the gradients
    memset(g.dact, 0, n * 14 * E * sizeof(real));  // and all those after it
    const real *dbranch = drop_backward(m, a.fc2_mask, n * E);
    linear_backward(g.dact, d(m, p.fc2_weight), d(m, p.fc2_bias), dbranch, a.act, p.fc2_weight, n, 4 * E, E);
    activation_backward(m, g.dfc1, g.dact, a.fc1, a.act, n * 4 * E);
    linear_backward(g.dnorm2, d(m, p.fc1_weight), d(m, p.fc1_bias), g.dfc1, a.norm2, p.fc1_weight, n, E, 4 * E);
    norm_backward(g.dx, d(m, p.norm2_weight), d(m, p.norm2_bias), g.dnorm2, a.mid, a.mean2, a.rstd2, p.norm2_weight, n,
                  E);
    memcpy(g.dmid, g.dx, n * E * sizeof(real));  // for gpt_tensor
    dbranch = drop_backward(m, a.proj_mask, n * E);
    linear_backward(g.datt, d(m, p.proj_weight), d(m, p.proj_bias), dbranch, a.att, p.proj_weight, n, E, E);
    attention_backward(g.dqkv, g.datt, a.qkv, a.probs, m->drops ? a.probs_mask : NULL, B, T, E, H);
    linear_backward(g.dnorm1, d(m, p.qkv_weight), d(m, p.qkv_bias), g.dqkv, a.norm1, p.qkv_weight, n, E, 3 * E);
    norm_backward(g.dx, d(m, p.norm1_weight), d(m, p.norm1_bias), g.dnorm1, a.x, a.mean1, a.rstd1, p.norm1_weight, n,
                  E);
}

void gpt_forward(GPT *m, real *logits, real *loss, const int32_t *inputs, const int32_t *targets, bool training,
                 uint64_t step) {
    const size_t B = m->B, T = m->T, V = m->c.V, E = m->c.E, L = m->c.L, n = B * T;
    const Parameters p = m->p;
    const Activations a = m->a;
    m->drops = training, m->step = step, m->inputs = inputs, m->targets = targets;
    real *x = embedded(m);
    embedding_forward(x, p.wte, inputs, B, T, E);
    for (size_t b = 0; b < B; b++) { add(x + b * T * E, p.wpe, T * E); }  // wpe's row of each position
    drop(m, x, a.emb_mask, n * E, 0);
    norm_before_blocks(m, n);
    for (size_t l = 0; l < L; l++) { block_forward(m, l, l + 1 < L ? m->blocks[l + 1].a.x : after_blocks(m)); }
    norm_after_blocks(m, n);
    linear_forward(logits, a.norm, p.head_weight, p.head_bias, n, E, V);  // (B,T,E) -> (B,T,V)
    if (targets != NULL) {
        cross_entropy_forward(loss, a.probs, logits, targets, n, V);
    }
}

void gpt_backward_to_block(GPT *m, real *gradients, size_t last) {
    const size_t B = m->B, T = m->T, V = m->c.V, E = m->c.E, n = B * T;
    const Parameters p = m->p;
    const Activations a = m->a;
    m->gradients = gradients;
    memset(gradients, 0, gpt_parameter_count(&m->c) * sizeof(real));
    memset(a.dlogits, 0, n * V * sizeof(real)), memset(a.dx, 0, 2 * n * E * sizeof(real));  // and dnorm, after it
    cross_entropy_backward(a.dlogits, a.probs, m->targets, n, V);
    linear_backward(a.dnorm, d(m, p.head_weight), d(m, p.head_bias), a.dlogits, a.norm, p.head_weight, n, E, V);
    norm_after_blocks_backward(m, n);
    for (size_t l = m->c.L; l-- > last;) { block_backward(m, l); }
}

void gpt_backward(GPT *m, real *gradients) {
    const size_t B = m->B, T = m->T, E = m->c.E;
    const Parameters p = m->p;
    gpt_backward_to_block(m, gradients, 0);
    norm_before_blocks_backward(m, B * T);
    const real *demb = drop_backward(m, m->a.emb_mask, B * T * E);
    linear_backward(NULL, NULL, d(m, p.wpe), demb, NULL, NULL, B, 0, T * E);  // N = 0: the sum over B, as of a bias
    embedding_backward(d(m, p.wte), demb, m->inputs, B, T, E);                // a tied head has added its part
}
