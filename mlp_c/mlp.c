// mlp.c: the MLP, every operation spelled out: a forward, and the same lines backward.
#include "mlp.h"

#include <stdlib.h>
#include <string.h>

#include "ops.h"

typedef struct {  // where each parameter, or its gradient, stands in one flat array
    real *wte, *fc1_weight, *fc1_bias, *fc2_weight, *fc2_bias;
} Weights;

struct MLP {
    size_t V, T, E, H;  // vocabulary, context, embedding, hidden
    size_t B, room;     // rows in the last batch, and the most rows there is memory for
    Weights p;
    real *memory;                   // of all the following
    real *emb, *h_pre, *h, *probs;  // what forward leaves for backward
    real *dlogits, *dh, *dh_pre, *demb;
    int32_t *ids;  // inputs (B,T), then targets (B,): copied, since the caller's may be gone by the time of backward
};

static real *cut(real **memory, size_t n) { return (*memory += n) - n; }

enum {
    LINE = 64 / sizeof(real)
};  // numbers in a line of the cache: what begins with one is read without straddling two

static size_t whole_lines(size_t n) { return (n + LINE - 1) / LINE * LINE; }

static real *next_line(real *memory) { return memory + (LINE - (uintptr_t)memory / sizeof(real) % LINE) % LINE; }

static Weights weights(const MLP *m, real *flat) {
    Weights w;
    w.wte = cut(&flat, m->V * m->E);
    w.fc1_weight = cut(&flat, m->H * m->T * m->E);
    w.fc1_bias = cut(&flat, m->H);
    w.fc2_weight = cut(&flat, m->V * m->H);
    w.fc2_bias = cut(&flat, m->V);
    return w;
}

size_t mlp_parameter_count(size_t V, size_t T, size_t E, size_t H) { return V * E + H * T * E + H + V * H + V; }

MLP *mlp_new(real *parameters, size_t V, size_t T, size_t E, size_t H) {
    MLP *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    m->V = V, m->T = T, m->E = E, m->H = H;
    m->p = weights(m, parameters);
    return m;
}

void mlp_free(MLP *m) {
    if (m == NULL) {
        return;
    }
    free(m->memory);
    free(m->ids);
    free(m);
}

static int make_room(MLP *m, size_t B) {
    const size_t row = 2 * (m->T * m->E + LINE) + 4 * (m->H + LINE) + 2 * (m->V + LINE) + m->T + 1;
    if (B > SIZE_MAX / sizeof(real) / row) {  // more than there are addresses
        return -1;
    }
    const size_t emb = whole_lines(B * m->T * m->E), h = whole_lines(B * m->H), logits = whole_lines(B * m->V);
    if (B > m->room) {
        real *memory = malloc((2 * emb + 4 * h + 2 * logits + LINE) * sizeof(real));
        int32_t *ids = malloc(B * (m->T + 1) * sizeof(int32_t));
        if (memory == NULL || ids == NULL) {
            free(memory);
            free(ids);
            return -1;
        }
        free(m->memory);
        free(m->ids);
        m->memory = memory, m->ids = ids, m->room = B;
    }
    real *rest = next_line(m->memory);
    m->emb = cut(&rest, emb), m->demb = cut(&rest, emb);
    m->h_pre = cut(&rest, h), m->dh_pre = cut(&rest, h);
    m->h = cut(&rest, h), m->dh = cut(&rest, h);
    m->probs = cut(&rest, logits), m->dlogits = cut(&rest, logits);
    m->B = B;
    return 0;
}

int mlp_forward(MLP *m, real *logits, real *loss, const int32_t *inputs, const int32_t *targets, size_t B) {
    const size_t V = m->V, T = m->T, E = m->E, H = m->H;
    if (make_room(m, B) != 0) {
        return -1;
    }
    const Weights p = m->p;

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
    const Weights p = m->p, d = weights(m, gradients);

    // Each is zeroed as late as can be, so that it is in the cache when it is added to.
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

const real *mlp_tensor(const MLP *m, const char *name) {
    const char *names[] = {"emb", "h_pre", "h", "probs", "dlogits", "dh", "dh_pre", "demb"};
    const real *tensors[] = {m->emb, m->h_pre, m->h, m->probs, m->dlogits, m->dh, m->dh_pre, m->demb};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return tensors[i];
        }
    }
    return NULL;
}
