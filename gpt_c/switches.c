// switches.c: what a GPTConfig chooses between: norms, activations, dropout. After memory.c.

// Layer norms have weights, RMS norms have none.
static void norm_forward(real *y, real *mean, real *rstd, const real *x, const real *weight, const real *bias, size_t n,
                         size_t E, double eps) {
    if (weight != NULL) {
        layer_norm_forward(y, mean, rstd, x, weight, bias, n, E, eps);
    } else {
        rms_norm_forward(y, rstd, x, NULL, n, E, eps);
    }
}

static void norm_backward(real *dx, real *dweight, real *dbias, const real *dy, const real *x, const real *mean,
                          const real *rstd, const real *weight, size_t n, size_t E) {
    if (weight != NULL) {
        layer_norm_backward(dx, dweight, dbias, dy, x, mean, rstd, weight, n, E);
    } else {
        rms_norm_backward(dx, NULL, dy, x, rstd, NULL, n, E);
    }
}

// The norm outside the blocks takes a.x; the head takes a.norm.
static void outer_norm_forward(const GPT *m, real *y, size_t n) {
    norm_forward(y, m->a.mean, m->a.rstd, m->a.x, m->p.norm_weight, m->p.norm_bias, n, m->c.E, EPS);
}

static void outer_norm_backward(const GPT *m, size_t n) {
    norm_backward(m->a.dx, d(m, m->p.norm_weight), d(m, m->p.norm_bias), m->a.dnorm, m->a.x, m->a.mean, m->a.rstd,
                  m->p.norm_weight, n, m->c.E);
}

// Where the sum of the embeddings goes, and what comes out of the last block
static real *embedded(const GPT *m) { return m->c.norm_first ? m->a.x : m->blocks[0].a.x; }
static real *after_blocks(const GPT *m) { return m->c.norm_first ? m->a.norm : m->a.x; }

static void norm_before_blocks(const GPT *m, size_t n) {
    if (m->c.norm_first) {
        outer_norm_forward(m, m->blocks[0].a.x, n);
    }
}

static void norm_after_blocks(const GPT *m, size_t n) {
    if (!m->c.norm_first) {
        outer_norm_forward(m, m->a.norm, n);
    }
}

// The gradient of what the blocks gave, in dx, from that of what the head took, in dnorm
static void norm_after_blocks_backward(const GPT *m, size_t n) {
    if (m->c.norm_first) {
        memcpy(m->a.dx, m->a.dnorm, n * m->c.E * sizeof(real));
    } else {
        outer_norm_backward(m, n);
    }
}

// The gradient of the embeddings, in dx, from that of what the blocks took, which is there
static void norm_before_blocks_backward(const GPT *m, size_t n) {
    if (m->c.norm_first) {
        memcpy(m->a.dnorm, m->a.dx, n * m->c.E * sizeof(real)), memset(m->a.dx, 0, n * m->c.E * sizeof(real));
        outer_norm_backward(m, n);
    }
}

static void activation_forward(const GPT *m, real *y, const real *x, size_t n) {
    (m->c.gelu ? gelu_forward : relu_forward)(y, x, n);
}

static void activation_backward(const GPT *m, real *dx, const real *dy, const real *x, const real *y, size_t n) {
    (m->c.gelu ? gelu_backward : relu_backward)(dx, dy, m->c.gelu ? x : y, n);
}

// The mask of a site, or NULL where nothing is dropped. Site 0 is after the embeddings; those of block l are 3 l + 1 in
// attention, 3 l + 2 after proj and 3 l + 3 after fc2.
static const real *draw_mask(const GPT *m, real *mask, size_t n, uint64_t site) {
    if (!m->drops || mask == NULL) {
        return NULL;
    }
    dropout_mask(mask, n, site == 0 ? m->c.embedding_dropout : m->c.dropout, m->c.dropout_seed, site, m->step);
    return mask;
}

static void drop(const GPT *m, real *x, real *mask, size_t n, uint64_t site) {
    if (draw_mask(m, mask, n, site) != NULL) {
        dropout_forward(x, x, mask, n);
    }
}

// The gradient of what was dropped from, given that of what was left, dx
static const real *drop_backward(const GPT *m, const real *mask, size_t n) {
    if (!m->drops || mask == NULL) {
        return m->a.dx;
    }
    memset(m->a.dbranch, 0, n * sizeof(real));
    dropout_backward(m->a.dbranch, m->a.dx, mask, n);
    return m->a.dbranch;
}
