"""The proofs are proved: one line of a copy of the package is spoilt, and the proof meant for it must notice."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
import test_gpt_choice
import test_gpt_generation
import test_gpt_graded
import test_gpt_proofs
import test_gpt_sizes

import nnz.gpt
import nnz.runs.choice
import nnz.runs.generation

FOLDER = Path(nnz.gpt.__file__).parent
RUNS = [Path(module.__file__) for module in (nnz.runs.choice, nnz.runs.generation)]  # what it has from there
PROOFS = {
    name.removeprefix("check_"): proof
    for module in (test_gpt_proofs, test_gpt_sizes, test_gpt_choice, test_gpt_generation, test_gpt_graded)
    for name, proof in vars(module).items()
    if name.startswith("check_")
}

# The file, what is wrong with it, what stands there, what shall stand there, and the proof that must fail.
# fmt: off
MUTANTS = [
    ("attention", "mask one too far", ".tril(S - T)", ".tril(S - T + 1)", "causality"),
    ("attention", "mask for an empty cache", ".tril(S - T)", ".tril()", "cache"),
    ("attention", "no mask", "scores.masked_fill(~_causal(T, S, q.device), -math.inf)", "scores", "causality"),
    ("attention", "masked with 0", "-math.inf)", "0.0)", "causality"),
    ("attention", "fused kernel without mask", "is_causal=T == S", "is_causal=False", "causality"),
    ("attention", "no 1/sqrt(hs)", " / math.sqrt(q.size(-1))", "", "gradients"),
    ("attention", "1/hs", "math.sqrt(q.size(-1))", "q.size(-1)", "gradients"),
    ("attention", "1/sqrt(E)", "math.sqrt(q.size(-1))", "math.sqrt(q.size(-1) * q.size(1))", "gradients"),
    ("attention", "fused kernel without scale", "is_causal=T == S", "is_causal=T == S, scale=1.0", "gradients"),
    ("attention", "softmax over queries", "softmax(dim=-1)", "softmax(dim=-2)", "causality"),
    ("attention", "softmax over heads", "softmax(dim=-1)", "softmax(dim=1)", "gradients"),
    ("attention", "heads not put back", "y.transpose(1, 2).reshape", "y.reshape", "gradients"),
    ("attention", "q and k swapped", "q, k, v = self.heads(", "k, q, v = self.heads(", "gradients"),
    ("attention", "k for v", "return weights @ v", "return weights @ k", "gradients"),
    ("attention", "no projection", "self.proj_dropout(self.proj(y))", "self.proj_dropout(y)", "gradients"),
    ("attention", "bias in q, k, v", "bias=config.qkv_bias", "bias=True", "counts"),
    ("attention", "dropout left on in eval", "dropout.p if dropout.training else 0.0", "dropout.p", "eval"),
    ("attention", "no dropout on weights", "dropout(attention_weights(q, k))", "attention_weights(q, k)",
     "dropout"),
    ("attention", "no dropout in the fused kernel", "dropout_p=rate", "dropout_p=0.0", "dropout"),
    ("attention", "no dropout after attention", "self.proj_dropout(self.proj(y))", "self.proj(y)", "dropout"),
    ("gpt", "no dropout after the feed-forward", "self.dropout(self.fc2(self.activation(self.fc1(x))))",
     "self.fc2(self.activation(self.fc1(x)))", "dropout"),
    ("gpt", "no dropout on the embedding", "self.dropout(self.wte(idx) + self.wpe(position))",
     "self.wte(idx) + self.wpe(position)", "dropout"),
    ("gpt", "position one too far", "arange(past, past +", "arange(past + 1, past + 1 +", "gradients"),
    ("gpt", "position without the past", "arange(past, past +", "arange(0, 0 +", "cache"),
    ("gpt", "no position", "self.wte(idx) + self.wpe(position)", "self.wte(idx)", "gradients"),
    ("gpt", "post-norm", "x + self.attention(self.norm1(x), cache)", "self.norm1(x + self.attention(x, cache))",
     "gradients"),
    ("gpt", "no residual around attention", "x = x + self.attention(", "x = self.attention(", "gradients"),
    ("gpt", "no residual around the feed-forward", "return x + self.mlp(", "return self.mlp(", "gradients"),
    ("gpt", "norm1 twice", "self.mlp(self.norm2(x))", "self.mlp(self.norm1(x))", "gradients"),
    ("gpt", "no final norm", "x if self.config.norm_first else self.norm(x))", "x)", "gradients"),
    ("gpt", "another eps", 'self.norm = {"layer": nn.LayerNorm(E, EPS', 'self.norm = {"layer": nn.LayerNorm(E, 1.1e-5',
     "gradients"),
    ("gpt", "exact GELU", 'approximate="tanh"', 'approximate="none"', "gradients"),
    ("gpt", "ReLU for GELU", 'nn.GELU(approximate="tanh")', "nn.ReLU()", "gradients"),
    ("gpt", "head not tied", "if config.tied_head:", "if False:", "tied"),
    ("gpt", "sum for mean", "targets.flatten())", 'targets.flatten(), reduction="sum")', "gradients"),
    ("gpt", "mean over the batch alone", "targets.flatten())", "targets.flatten()) * idx.size(1)", "gradients"),
    ("gpt", "targets shifted", "targets.flatten())", "targets.roll(1, 1).flatten())", "gradients"),
    ("gpt", "a start ten times as wide", "INITIAL_SCALE * rng", "10 * INITIAL_SCALE * rng", "start"),
    ("gpt", "biases of 1", 'endswith("weight") else 0.0', 'endswith("weight") else 1.0', "start"),
    ("cache", "keys kept as values", "self._v[:, :, new] = k, v", "self._v[:, :, new] = k, k", "cache"),
    ("cache", "always kept at the start", "new = slice(self.length, self.length +", "new = slice(0, 0 +", "cache"),
    ("attention", "two cached tokens see the future", "T in (1, S)", "T in (1, 2, S)", "pieces"),
    ("attention", "many cached tokens see the future", "T in (1, S)", "T == S or T < 2 or T > 50", "pieces"),
    ("attention", "0.1 always after attention", "Dropout(config.dropout, site + 1", "Dropout(0.1, site + 1", "rates"),
    ("attention", "half the dropout of weights", "Dropout(config.dropout, site,", "Dropout(config.dropout / 2, site,",
     "rates"),
    ("attention", "dropout of weights does not scale", "dropout(attention_weights(q, k))",
     "dropout(attention_weights(q, k)) * (1 - dropout.p * dropout.training)", "rates"),
    ("cache", "no key beyond 64", "self._k[:, :, : new.stop], self._v[:, :, : new.stop]",
     "self._k[:, :, : min(new.stop, 64)], self._v[:, :, : min(new.stop, 64)]", "pieces"),
    ("gpt", "half the dropout in the feed-forward", "Dropout(config.dropout, site,",
     "Dropout(config.dropout / 2, site,", "rates"),
    ("gpt", "the embedding takes the other rate", "Dropout(config.embedding_dropout,",
     "Dropout(min(config.embedding_dropout, 0.3),", "rates"),
    ("gpt", "the fourth block skipped", "for layer, block in enumerate(self.blocks):",
     "for layer, block in enumerate(self.blocks):\n            if layer == 3: continue", "depth"),
    ("gpt", "no block beyond the twelfth", "enumerate(self.blocks)", "enumerate(self.blocks[:12])", "depth"),
    ("gpt", "positions end at 64", "position = torch.arange(past, past + idx.size(1), device=idx.device)",
     "position = torch.arange(past, past + idx.size(1), device=idx.device).clamp(max=63)", "sizes"),
    ("optimizers", "clip at no less than 0.02", "_clip, self.t = clip, 0",
     "_clip, self.t = clip and max(clip, 0.02), 0", "steps"),
    ("optimizers", "clip each parameter alone", "_clip([p.grad for p in self._p.values()], self._clip)",
     "[_clip([p.grad], self._clip) for p in self._p.values()]", "steps"),
    ("optimizers", "t stays 137 after a resume", 'found["step"].fill_(self.t)', 'found["step"].fill_(min(self.t, 137))',
     "steps"),
    ("optimizers", "t in 16 bits", 'found["step"].fill_(self.t)', 'found["step"].fill_(self.t % 65536)', "steps"),
    ("evaluating", "dropout on in generation", "model.eval()", "pass", "mode"),
    ("evaluating", "left in eval", "model.train()", "pass", "mode"),
    ("gpt", "the first logits for the last", "logits[:, -1]", "logits[:, 0]", "plain_loop"),
    ("generation", "the beginning of a long prompt", "ids[:, -config.context_length :]",
     "ids[:, : config.context_length]", "plain_loop"),
    ("generation", "two leave the window", "self.tokens[:, self._roll :]", "self.tokens[:, self._roll + 1 :]",
     "plain_loop"),
    ("generation", "uniforms by step", "rng.uniform(size=(B, tokens)).T", "rng.uniform(size=(tokens, B))", "batch"),
    ("generation", "two uniforms a token", "(rng.uniform(),) for _ in range(tokens)",
     "(rng.uniform(size=2)[1],) for _ in range(tokens)", "plain_loop"),
    ("choice", "temperature forgotten", "(logits - largest) / divisor", "logits - largest", "choice"),
    ("choice", "top-k one more", "-self.top_k)[-self.top_k]", "-self.top_k - 1)[-self.top_k - 1]", "choice"),
    ("choice", "an equal sum exceeds", "token = bisect_right(", "token = bisect_left(", "choice"),
    ("choice", "top-p one more", "min(reached, len(ordered) - 1)", "min(reached + 1, len(ordered) - 1)", "top_p"),
    ("choice", "top-p one fewer", "min(reached, len(ordered) - 1)", "max(reached - 1, 0)", "top_p"),
    ("choice", "sums always certain", "<= shift * c", "<= 0 * c", "certainty"),
    ("choice", "threshold always certain", "z >= threshold - shift", "z >= threshold", "certainty"),
    ("choice", "greedy always certain", "z[best] - 2 * error", "z[best]", "certainty"),
    ("choice", "top-p always certain", "margin = shift + rounding", "margin = 0.0", "certainty"),
    ("dropout", "masks of another seed", "self.seed, site,", "self.seed + 1, site,", "grade"),
    ("dropout", "one mask for all places", "self.seed, site,", "self.seed, 0,", "grade"),
    ("dropout", "one mask for all steps", "self.step += 1", "pass", "grade"),
    ("dropout", "counted masks do not scale", "return mask", "return mask.sign()", "grade"),
    ("gpt", "the feed-forward drops as the projection", "FeedForward(config, site + 2,",
     "FeedForward(config, site + 1,", "grade"),
    ("gpt", "two places a block", "1 + 3 * layer", "1 + 2 * layer", "grade"),
    ("gpt", "steps counted in evaluation", "is not None and self.training:", "is not None:", "grade"),
    ("attention", "the fused kernel drops by itself", "if dropout.is_counted:", "if False:", "grade"),
    ("intermediates", "q and k swapped in the weights", "q, k, _ =", "k, q, _ =", "grade"),
    ("intermediates", "h2 for what the feed-forward gives", '"mlp.fc1": "a_pre"', '"mlp.fc2": "a_pre"', "grade"),
    ("optimizers", "the norm of the longest gradient", "for g in grads]).norm()", "for g in grads]).max()", "grade"),
    ("optimizers", "short gradients made longer", ".clamp(max=1.0)", "", "clip"),
    ("graded", "dropout without targets", "training and targets is not None", "training", "grade"),
]
# fmt: on


def load_copy(folder):
    """Import the package in `folder` beside the true one, under a name of its own."""
    name = "spoilt_gpt"
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules[name] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    package.Choice = importlib.import_module(f"{name}.choice").Choice
    package.generate = importlib.import_module(f"{name}.generation").generate
    return package


@pytest.fixture
def copy(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "gpt", ignore=shutil.ignore_patterns("__pycache__"))
    for path in RUNS:
        source = path.read_text(encoding="utf-8").replace("from ..", "from nnz.")
        (folder / path.name).write_text(source, encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant[0]}: {mutant[1]}")
def test_a_mutant_is_caught_by_the_proof_meant_for_it(mutant, copy):
    file, _, old, new, proof = mutant
    source = (copy / f"{file}.py").read_text(encoding="utf-8")
    assert old in source, "the line to spoil is no longer there"
    (copy / f"{file}.py").write_text(source.replace(old, new, 1), encoding="utf-8")
    package = load_copy(copy)
    with pytest.raises(AssertionError):
        PROOFS[proof](package)


@pytest.mark.slow
@pytest.mark.parametrize("proof", PROOFS)
def test_an_unspoilt_copy_passes_each_proof_and_each_proof_has_a_mutant(proof, copy):
    PROOFS[proof](load_copy(copy))
    assert proof in {mutant[-1] for mutant in MUTANTS}
