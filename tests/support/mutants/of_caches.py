"""Mutants of what a model keeps between calls."""

from .mutant import mutant

MUTANTS = (
    mutant(
        "cache_of_the_largest_batch",
        "after a large batch, backward works on the large one's rows",
        "mlp",
        c=("memory.c", "    m->B = B;", "    m->B = m->capacity;"),
        numpy=("mlp.py", '{"emb": emb,', '{"emb": self.__dict__.setdefault("_emb", emb),'),
        torch=("mlp.py", '"loss": loss}', '"loss": self.__dict__.setdefault("_loss", loss)}'),
    ),
    mutant(
        "cache_spoilt_by_backward",
        "backward changes what it reads, so that a second call gives another answer or none",
        "mlp",
        c=(
            "mlp.c",
            "tanh_backward(m->dh_pre, m->dh, m->h, B * H);",
            "tanh_backward(m->dh_pre, m->dh, m->h, B * H); memcpy(m->h, m->dh_pre, B * H * sizeof(real));",
        ),
        numpy=(
            "mlp.py",
            'ops.tanh_backward(d["dh"], s["h"])',
            'np.multiply(d["dh"], 1 - s["h"] * s["h"], out=s["h"])',
        ),
        torch=("mlp.py", "retain_graph=True", "retain_graph=False"),
    ),
    mutant(
        "cache_is_the_caller_s_batch",
        "the ids are not copied: a loader that fills the same array again changes the gradient",
        "mlp",
        common=("backend/model.py", "shape, self.sizes.V).copy()", "shape, self.sizes.V)"),
    ),
    mutant(
        "gradients_in_one_buffer",
        "the next backward writes into the gradients of the last",
        "mlp",
        c=(
            "mlp.py",
            "gradients = np.empty_like(self._flat)",
            'gradients = self.__dict__.setdefault("_buffer", np.empty_like(self._flat))',
        ),
        numpy=(
            "mlp.py",
            "        return d\n",
            "        kept = {k: self.__dict__.setdefault(f'{k} {a.shape}', np.empty_like(a)) for k, a in d.items()}\n"
            "        return {k: np.add(a, 0, out=kept[k]) for k, a in d.items()}\n",
        ),
        torch=(
            "model.py",
            "return dict(zip(self._p, map(as_array, gradients), strict=False))",
            "return {k: as_array(self.__dict__.setdefault(k, torch.empty_like(g)).copy_(g)) "
            "for k, g in zip(self._p, gradients)}",
        ),
    ),
    mutant(
        "logits_in_one_buffer",
        "the next forward writes into the logits of the last",
        "mlp",
        c=(
            "mlp.py",
            "logits = np.empty((len(inputs), self.sizes.V), self.dtype)",
            'logits = self.__dict__.setdefault("_logits", np.empty((999, self.sizes.V), self.dtype))[: len(inputs)]',
        ),
    ),
    mutant(
        "a_copy_is_trained",
        "the optimizer's steps do not reach the weights that the forward reads",
        "training",
        c=("mlp.py", "self._flat = flat ", "self._flat = flat.copy() "),
        numpy=(
            "mlp.py",
            "p, ops, B = self._p, self.ops, len(inputs)",
            'p = self.__dict__.setdefault("_first", {k: a.copy() for k, a in self._p.items()})\n'
            "        ops, B = self.ops, len(inputs)",
        ),
        torch=("model.py", "as_array(tensor.detach())", "as_array(tensor.detach().clone())"),
    ),
    mutant(
        "weights_loaded_in_half_precision",
        "loading rounds the weights to float16",
        "checkpoint",
        torch=("runtime.py", "copy_(as_tensor(source))", "copy_(as_tensor(source).half())"),
        common=(
            "backend/model.py",
            "self.copy_into(parameter, arrays[name])",
            "self.copy_into(parameter, arrays[name].astype('e'))",
        ),
    ),
    mutant(
        "negative_ids_accepted",
        "an id of -1 is not refused, and reads from the other end, or from before the array",
        "mlp",
        common=("backend/checks.py", "outside = (array < 0) | (array >= vocab_size)", "outside = array >= vocab_size"),
    ),
)
