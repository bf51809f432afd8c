"""The GPT's part of docs/protocol.md, answered by nnz.numpy: `by_numpy.py conformance --list` or `--serve`."""

import sys
from pathlib import Path

import numpy as np

from nnz import RNG
from nnz.backend import spec
from nnz.files import tensor_file

TEXTS = ("activation", "norm")
WHOLE = ("seed", "site", "step", "t", "dropout_seed", "n_layer", "n_head", "H", "V")
NAMES = [name for name in spec.FUNCTIONS if name not in spec.MLP_FUNCTIONS]
NAMES += ["embedding_forward", "embedding_backward", "linear_forward", "linear_backward", "adamw_step", "gpt"]


def answer(folder: Path) -> int:
    import nnz.numpy as nn

    metadata, given = tensor_file.read(folder / "request.safetensors", lambda *found: None)
    name, dtype = metadata["function"], metadata["dtype"]
    head = {key: metadata[key] for key in ("function", "dtype", "nonce", "precision") if key in metadata}
    numbers = {k: v for k, v in metadata.items() if k not in (*head, "format")}
    how = {"precision": metadata.get("precision", "native")}
    settings = {k: v if k in TEXTS else (int if k in WHOLE else float)(v) for k, v in numbers.items()}
    try:
        found = gpt(nn, given, settings, dtype, how) if name == "gpt" else operation(nn, name, given | settings, how)
    except (ValueError, TypeError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return 2
    arrays = {k: np.asarray(a, "float64" if k == "total" else dtype) for k, a in found.items() if a is not None}
    arrays = dict(sorted(arrays.items(), key=lambda item: -item[1].itemsize))
    tensor_file.write(folder / "response.safetensors", arrays, {"format": "nnz-response-1", **head})
    return 0


def operation(nn, name, given, how):
    function = spec.FUNCTIONS[name]
    arguments = [given.get(key) for key in function.python_arguments]
    arguments = [np.array(a) if isinstance(a, np.ndarray) else a for a in arguments]
    result = getattr(nn.ops, name)(*arguments, **how)
    if function.updates:
        return dict(zip(function.updates, arguments, strict=False))
    return dict(zip(function.outputs, result if len(function.outputs) > 1 else (result,), strict=True))


def gpt(nn, given, s, dtype, how):
    inputs, targets = given.pop("inputs"), given.pop("targets", None)
    V, E = given["wte.weight"].shape
    model = nn.GPT(
        vocab_size=V,
        context_length=len(given["wpe.weight"]),
        n_embd=E,
        qkv_bias="blocks.0.attention.qkv.bias" in given,
        linear_bias="blocks.0.mlp.fc1.bias" in given,
        head_bias="head.bias" in given,
        tied_head="head.weight" not in given,
        norm_first=bool(s["norm_first"]),
        rng=RNG(1),
        dtype=dtype,
        **how,
        **{k: v for k, v in s.items() if k not in ("training", "step", "norm_first")},
    )
    model.load_parameters(given)
    model.train(bool(s["training"])).dropout_step = s["step"]
    logits, loss = model(inputs, targets)
    found = {"logits": logits}
    if targets is not None:
        found |= {"loss": loss, **{f"d{k}": g for k, g in model.backward().items()}} | model.intermediates()
    return found


if sys.argv[2] == "--list":
    print("\n".join(["nnz-conformance-1", "serve", *(f"{name} float32 float64 strict" for name in NAMES)]))
else:
    for line in sys.stdin:
        print(answer(Path(line.strip())), flush=True)
