"""Mutants of the MLP: its forward, its backward and what it hands out."""

from .mutant import mutant

OUTPUT_C = "linear_forward(logits, m->h, p.fc2_weight, p.fc2_bias, B, H, V);"
OUTPUT = 'linear_forward(h, p["fc2.weight"], p["fc2.bias"])'

MUTANTS = (
    mutant(
        "logits_without_bias",
        "the output layer adds no bias",
        "mlp",
        c=("mlp.c", OUTPUT_C, "linear_forward(logits, m->h, p.fc2_weight, NULL, B, H, V);"),
        numpy=("mlp.py", OUTPUT, OUTPUT.replace('p["fc2.bias"]', "None")),
        torch=("mlp.py", OUTPUT, OUTPUT.replace('p["fc2.bias"]', '0 * p["fc2.bias"]')),
    ),
    mutant(
        "hidden_layer_without_tanh",
        "the output layer reads h_pre for h",
        "mlp",
        c=("mlp.c", OUTPUT_C, OUTPUT_C.replace("m->h,", "m->h_pre,")),
        numpy=("mlp.py", "h = ops.tanh_forward(h_pre)", "h = h_pre"),
        torch=("mlp.py", "h = ops.tanh_forward(h_pre)", "h = h_pre"),
    ),
    mutant(
        "embeddings_interleaved",
        "the embeddings of the T tokens are laid out across, not side by side",
        "mlp",
        numpy=("mlp.py", "x = emb.reshape(B, -1)", "x = emb.transpose(0, 2, 1).reshape(B, -1)"),
        torch=("mlp.py", "x = emb.view(B, -1)", "x = emb.transpose(1, 2).reshape(B, -1)"),
    ),
    mutant(
        "context_reversed",
        "the tokens are read from the last to the first",
        "mlp",
        c=(
            "ops/embedding.c",
            "const real *row = wte + (size_t)ids[i] * E;",
            "const real *row = wte + (size_t)ids[i - i % T + T - 1 - i % T] * E;",
        ),
        numpy=("mlp.py", 'embedding_forward(p["wte"], inputs)', 'embedding_forward(p["wte"], inputs[:, ::-1])'),
        torch=("mlp.py", 'embedding_forward(p["wte"], inputs)', 'embedding_forward(p["wte"], inputs.flip(1))'),
    ),
    mutant(
        "tanh_derivative_of_h_pre",
        "backward hands h_pre to tanh' where it wants h",
        "mlp",
        c=(
            "mlp.c",
            "tanh_backward(m->dh_pre, m->dh, m->h, B * H);",
            "tanh_backward(m->dh_pre, m->dh, m->h_pre, B * H);",
        ),
        numpy=("mlp.py", 'tanh_backward(d["dh"], s["h"])', 'tanh_backward(d["dh"], s["h_pre"])'),
    ),
    mutant(
        "embeddings_never_trained",
        "the gradient of wte is zero",
        "mlp",
        c=("mlp.c", "embedding_backward(d.wte, m->demb, inputs, B, T, E);", ""),
        numpy=("mlp.py", 'd["dwte"] = ops.', 'd["dwte"] = 0 * ops.'),
        torch=(
            "mlp.py",
            'embedding_forward(p["wte"], inputs)',
            'embedding_forward(p["wte"].detach() + 0 * p["wte"], inputs)',
        ),
    ),
    mutant(
        "loss_in_float32",
        "the float64 model rounds its loss to float32",
        "mlp",
        c=("mlp.py", "else float(self._loss)", "else float(np.float32(self._loss))"),
        numpy=("mlp.py", '"loss": loss}', '"loss": float(np.float32(loss))}'),
        torch=("model.py", "else loss.item()", "else loss.float().item()"),
    ),
    mutant(
        "probabilities_for_logits",
        "without targets the model hands out probabilities",
        "sampling",
        c=(
            "mlp.py",
            'return {"logits": logits, ',
            'return {"logits": np.exp(logits) / np.exp(logits).sum(1)[:, None] if targets is None else logits, ',
        ),
        numpy=(
            "mlp.py",
            'return {"logits": logits}',
            'return {"logits": np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)}',
        ),
        torch=("mlp.py", 'return {"logits": logits}', 'return {"logits": logits.softmax(1)}'),
    ),
    mutant(
        "token_id_V_accepted",
        "an id one past the vocabulary is not refused",
        "mlp",
        common=("backend/model.py", "shape, self.sizes.V)", "shape, self.sizes.V + 1)"),
        torch=("model.py", "shape, self.sizes.V,", "shape, self.sizes.V + 1,"),
    ),
)
