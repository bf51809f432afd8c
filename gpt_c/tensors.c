// tensors.c: what a GPT keeps between a forward and its backward, by name. After gpt.c, which makes it.
const real *gpt_tensor(const GPT *m, const char *name, size_t l) {
    const bool in_block = l < m->c.L;
    const BlockActivations b = m->blocks[in_block ? l : 0].a;
    const Activations a = m->a;
    const char *of_block[] = {"x",  "h1",     "qkv", "probs",  "y",  "x_mid", "h2",  "a_pre", "a",
                              "da", "da_pre", "dh2", "dx_mid", "dy", "dqkv",  "dh1", "dx"};
    const real *block[] = {b.x,    b.norm1, b.qkv,    b.probs, b.att,  b.mid,  b.norm2,  b.fc1, b.act,
                           a.dact, a.dfc1,  a.dnorm2, a.dmid,  a.datt, a.dqkv, a.dnorm1, a.dx};
    const char *of_rest[] = {"x", "h", "probs", "dlogits", "dh", "dx"};
    const real *rest[] = {a.x, a.norm, a.probs, a.dlogits, a.dnorm, a.dx};
    const char **names = in_block ? of_block : of_rest;
    const real **tensors = in_block ? block : rest;
    const size_t n = in_block ? sizeof block / sizeof *block : sizeof rest / sizeof *rest;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0) {
            return tensors[i];
        }
    }
    return NULL;
}
