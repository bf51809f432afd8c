// mlp.c: the multi-layer perceptron of Bengio et al. 2003: its parameters, the forward, and the backward.
#include "memory.c"
#include "rng.h"

size_t mlp_parameter_count(size_t V, size_t T, size_t E, size_t H) { return V * E + H * T * E + H + V * H + V; }

void mlp_draw_parameters(real *p, size_t V, size_t T, size_t E, size_t H, uint64_t seed) {
    const size_t n[] = {H * T * E, H, V * H, V}, inputs[] = {T * E, T * E, H, H};  // of fc1 and fc2, weight and bias
    RNG rng = {seed};
    rng_normals(&rng, p, V * E, 1);  // wte
    p += V * E;
    for (int i = 0; i < 4; p += n[i++]) { rng_uniforms(&rng, p, n[i], 1 / sqrt((double)inputs[i])); }
}

int mlp_forward(MLP *m, real *logits, real *loss, const int32_t *inputs, const int32_t *targets, size_t B) {
    const size_t V = m->V, T = m->T, E = m->E, H = m->H;
    const Parameters p = m->p;
    if (reserve(m, B) != 0) {
        return -1;
    }
    embedding_forward(m->emb, p.wte, inputs, B, T, E);                        // (B,T,E): side by side, (B,T*E)
    linear_forward(m->h_pre, m->emb, p.fc1_weight, p.fc1_bias, B, T * E, H);  // (B,T*E) -> (B,H)
    tanh_forward(m->h, m->h_pre, B * H);                                      // (B,H)
    linear_forward(logits, m->h, p.fc2_weight, p.fc2_bias, B, H, V);          // (B,H) -> (B,V)
    if (targets == NULL) {
        return 0;
    }
    cross_entropy_forward(loss, m->probs, logits, targets, B, V);

    memcpy(m->ids, inputs, B * T * sizeof *inputs);
    memcpy(m->ids + B * T, targets, B * sizeof *targets);
    return 0;
}

static void zero(real *a, size_t n) { memset(a, 0, n * sizeof *a); }

void mlp_backward(MLP *m, real *gradients) {
    const size_t B = m->B, V = m->V, T = m->T, E = m->E, H = m->H;
    const int32_t *inputs = m->ids, *targets = m->ids + B * T;
    const Parameters p = m->p, d = views(m, gradients);

    // Each is zeroed just before it is added to, so that it is in the cache; a bias is zeroed with its weight.
    zero(m->dlogits, B * V);
    cross_entropy_backward(m->dlogits, m->probs, targets, B, V);
    zero(m->dh, B * H), zero(d.fc2_weight, V * H + V);
    linear_backward(m->dh, d.fc2_weight, d.fc2_bias, m->dlogits, m->h, p.fc2_weight, B, H, V);
    zero(m->dh_pre, B * H);
    tanh_backward(m->dh_pre, m->dh, m->h, B * H);
    zero(m->demb, B * T * E), zero(d.fc1_weight, H * T * E + H);
    linear_backward(m->demb, d.fc1_weight, d.fc1_bias, m->dh_pre, m->emb, p.fc1_weight, B, T * E, H);
    zero(d.wte, V * E);
    embedding_backward(d.wte, m->demb, inputs, B, T, E);
}
