// tensors.c: what an MLP keeps between a forward and its backward, by name. After mlp.c, which makes it.
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
