"""nn.GPT of each backend is the GPT of nnz.gpt, switch by switch, and treats bad input alike."""

import copy
import dataclasses
import inspect
from types import SimpleNamespace

import numpy as np
import pytest
from support.gpt_limits import GRADIENT_LIMIT

import nnz
import nnz.gpt
from nnz.backend import initial, registry
from nnz.backend.gpt_config import GPTConfig
from nnz.conformance.bounds.rounding import unit_roundoff
from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.grading import GPT_CHECKS, grade_one
from nnz.conformance.oracle.gpt import gpt as oracle
from nnz.conformance.report import FAILED, PASSED

BACKENDS = ("c", "numpy", "torch")
SIZES = {"vocab_size": 11, "context_length": 7, "n_layer": 2, "n_head": 3, "n_embd": 12, "dropout": 0.0}
SWITCHES = {
    "the course's": {},
    "GPT-2's": {"activation": "gelu", "qkv_bias": True, "head_bias": False, "tied_head": True},
    "without biases, rms": {"linear_bias": False, "head_bias": False, "norm": "rms"},
    "norm first": {"norm_first": True},
    "microgpt's": {"linear_bias": False, "head_bias": False, "norm": "rms", "norm_first": True},
    "one head, spelled out": {"n_head": 1, "attention": "spelled out"},
}
ROUNDINGS = 2**12  # of numbers of order 1, one after the other; more than a batch of this size has in a sum

each_backend = pytest.mark.parametrize("name", BACKENDS)
each_shape = pytest.mark.parametrize("switches", SWITCHES.values(), ids=list(SWITCHES))


def model(name, seed=3, dtype="float64", **switches):
    return registry.load(name).GPT(**({"rng": nnz.RNG(seed), "dtype": dtype} | SIZES | switches))


def batch(T=5):
    rng = np.random.default_rng(0)
    return rng.integers(0, SIZES["vocab_size"], (3, T)), rng.integers(0, SIZES["vocab_size"], (3, T))


def with_weights(gpt):
    """The same weights for every model, biases among them, so large that each of them counts."""
    rng = np.random.default_rng(1)
    gpt.load_parameters({k: rng.normal(0, 0.3, p.shape) for k, p in gpt.parameters().items()})
    return gpt


@each_shape
def test_the_names_and_shapes_are_those_of_the_torch_module(switches):
    config = GPTConfig(**(SIZES | switches))
    assert list(initial.gpt_shapes(config).items()) == list(nnz.gpt.GPT.shapes(config).items())


@each_shape
def test_intermediates_are_the_oracles_in_order_of_computation_and_with_its_shapes(switches):
    config, (inputs, targets) = GPTConfig(**(SIZES | switches)), batch()
    weights = with_weights(model("numpy", **switches)).parameters()
    of_oracle = oracle(weights, inputs, targets, config.n_head, config.activation, config.norm, config.norm_first)
    others = {"emb", "demb", "loss", *(f"d{name}" for name in weights)}
    expected = {name: np.shape(tensor) for name, tensor in of_oracle.items() if name not in others}
    for name in BACKENDS:
        gpt = with_weights(model(name, **switches))
        gpt(inputs, targets)
        found = gpt.intermediates()
        assert list({k: v.shape for k, v in found.items()}.items()) == list(expected.items()), name
        for k, tensor in found.items():
            assert np.abs(tensor - of_oracle[k]).max() < GRADIENT_LIMIT["float64"], (name, k)


@each_backend
def test_intermediates_are_copies_and_change_no_gradient(name):
    gpt, given = with_weights(model(name, n_layer=3, dropout=0.2, embedding_dropout=0.2)), batch()
    with pytest.raises(RuntimeError):
        gpt.intermediates()
    gpt(*given)
    first, gradients = gpt.intermediates(), gpt.backward()
    second = gpt.intermediates()
    gpt(*given)  # another step of dropout
    for k, tensor in gpt.intermediates().items():
        assert np.array_equal(first[k], second[k])
        assert not np.array_equal(first[k], tensor), k
    assert gradients.keys() == gpt.parameters().keys()


@each_backend
@each_shape
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_weights_are_those_of_the_torch_module_to_the_bit(name, switches, dtype):
    theirs = nnz.gpt.GPT(GPTConfig(dtype=dtype, **(SIZES | switches)), nnz.RNG(3))
    for (key, p), (their_key, q) in zip(
        model(name, dtype=dtype, **switches).parameters().items(), theirs.named_parameters(), strict=True
    ):
        assert key == their_key
        assert p.tobytes() == q.detach().numpy().tobytes()


@each_backend
@each_shape
def test_logits_loss_and_gradients_are_those_of_the_torch_module(name, switches):
    ours = with_weights(model(name, **switches))
    theirs = nnz.gpt.GPT(GPTConfig(dtype="float64", **(SIZES | switches)), parameters=ours.parameters())
    inputs, targets = batch()
    logits, loss = ours(inputs, targets)
    their_logits, their_loss = theirs(inputs, targets)
    their_loss.backward()
    limit = ROUNDINGS * unit_roundoff("float64")
    assert abs(loss - their_loss.item()) < limit
    assert np.abs(logits - their_logits.detach().numpy()).max() < limit
    for (key, gradient), (their_key, p) in zip(ours.backward().items(), theirs.named_parameters(), strict=True):
        assert key == their_key
        assert np.abs(p.grad.numpy()).max() > 0
        assert np.abs(gradient - p.grad.numpy()).max() < limit, key


@each_backend
@each_shape
@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.3, 0.1)])
def test_loss_and_gradients_are_the_oracles_with_dropout_too(name, switches, rates):
    dropout = {"dropout": rates[0], "embedding_dropout": rates[1]}
    gpt, (inputs, targets) = with_weights(model(name, dropout_seed=2**63, **(switches | dropout))), batch()
    gpt.dropout_step = step = 2**33
    logits, loss = gpt(inputs, targets)
    c = gpt.config
    switches = c.n_head, c.activation, c.norm, c.norm_first
    expected = oracle(gpt.parameters(), inputs, targets, *switches, **dropout, seed=2**63, step=step)
    found = {"logits": logits, "loss": loss} | {f"d{key}": g for key, g in gpt.backward().items()}
    for key, value in found.items():
        error = np.abs(value - expected[key]).max()
        assert error <= GRADIENT_LIMIT["float64"] * np.abs(expected[key]).max(), key


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_the_backends_draw_the_same_dropout(activation):
    models = [with_weights(model(name, dropout=0.3, embedding_dropout=0.1, activation=activation)) for name in BACKENDS]
    losses, limit = [], ROUNDINGS * unit_roundoff("float64")
    for _ in range(2):
        (logits, loss), *others = (gpt(*batch()) for gpt in models)
        gradients, *other_gradients = (gpt.backward() for gpt in models)
        for (other, other_loss), found in zip(others, other_gradients, strict=True):
            assert np.abs(logits - other).max() < limit
            assert abs(loss - other_loss) < limit
            assert all(np.abs(gradients[key] - found[key]).max() < limit for key in gradients)
        losses.append(loss)
    assert losses[0] != losses[1]  # another step, another mask


@each_backend
def test_dropout_is_drawn_in_training_alone_and_by_seed_and_step(name):
    gpt = with_weights(model(name, dropout=0.5))
    plain = with_weights(model(name, dropout=0.0))(*batch())[1]
    first, second = gpt(*batch())[1], gpt(*batch())[1]
    assert gpt.dropout_step == 2
    assert len({plain, first, second}) == 3
    assert np.array_equal(gpt(batch()[0])[0], plain_logits(name))  # without targets: nothing is learned
    assert gpt.eval()(*batch())[1] == plain
    assert gpt.dropout_step == 2
    gpt.train().dropout_step = 0
    assert gpt(*batch())[1] == first
    gpt.dropout_step, gpt.dropout_seed = 0, 7
    assert gpt(*batch())[1] != first


def plain_logits(name):
    return with_weights(model(name, dropout=0.0))(batch()[0])[0]


@each_backend
def test_a_tied_head_is_the_embedding_and_is_listed_once(name):
    gpt = model(name, tied_head=True)
    before = gpt(batch()[0])[0]
    assert "head.weight" not in gpt.parameters()
    gpt.parameters()["wte.weight"][...] *= 2
    assert not np.array_equal(gpt(batch()[0])[0], before)


@each_backend
def test_backward_twice_gives_the_same_twice_and_no_argument_is_written_to(name):
    gpt, (inputs, targets) = with_weights(model(name, dropout=0.2)), batch()
    kept = inputs.copy(), targets.copy()
    gpt(inputs, targets)
    first = {key: np.array(g) for key, g in gpt.backward().items()}
    inputs[...], targets[...] = 0, 0  # the caller may overwrite theirs
    second = gpt.backward()
    assert all(np.array_equal(first[key], second[key]) for key in first)
    gpt(*kept)
    assert np.array_equal(kept[0], batch()[0])
    assert np.array_equal(kept[1], batch()[1])


@each_backend
def test_backward_needs_a_forward_with_targets(name):
    gpt = model(name)
    with pytest.raises(RuntimeError, match="needs a forward with targets first"):
        gpt.backward()
    gpt(*batch())
    gpt(batch()[0])
    with pytest.raises(RuntimeError, match="needs a forward with targets first"):
        gpt.backward()
    gpt(*batch())
    with pytest.raises(RuntimeError, match="needs a forward with targets first"):
        copy.deepcopy(gpt).backward()


@each_backend
def test_one_token_and_the_whole_context_fit_and_no_more(name):
    gpt = model(name)
    for T in (1, SIZES["context_length"]):
        assert gpt(batch(T)[0])[0].shape == (3, T, SIZES["vocab_size"])
    with pytest.raises(ValueError, match=r"^inputs has 8 tokens a row; the context_length is 7$"):
        gpt(batch(8)[0])


REFUSED = [
    ({"n_head": 5}, ValueError, "n_embd must be a multiple of n_head; got 12 for 5 heads"),
    ({"dropout": 1.0}, ValueError, "dropout must be below 1; got 1.0"),
    ({"dropout": -0.5}, ValueError, "dropout must be finite and at least 0; got -0.5"),
    ({"norm": "batch"}, ValueError, "norm must be 'layer' or 'rms'; got 'batch'"),
    ({"rng": None}, TypeError, "rng must be an nnz.RNG, such as nnz.RNG(1337); got NoneType"),
    ({"vocab_size": 0}, ValueError, "vocab_size must be at least 1; got 0"),
    ({"dropout_seed": -1}, ValueError, "dropout_seed must be at least 0; got -1"),
    ({"device": "tape"}, ValueError, "device must be one of cpu.* here; got 'tape'"),
]


@each_backend
@pytest.mark.parametrize(("changes", "kind", "message"), REFUSED, ids=[next(iter(r[0])) for r in REFUSED])
def test_a_shape_that_makes_no_model_is_refused(name, changes, kind, message):
    with pytest.raises(kind, match=f"^{message}$".replace("(1337)", r"\(1337\)")):
        model(name, **changes)


@each_backend
def test_it_takes_every_switch_of_the_config_with_the_same_default(name):
    taken = inspect.signature(registry.load(name).GPT).parameters
    for field in dataclasses.fields(GPTConfig):
        default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
        assert taken[field.name].default == default


@each_backend
def test_ids_that_make_no_sense_are_refused(name):
    gpt, (inputs, targets) = model(name), batch()
    with pytest.raises(ValueError, match=r"^inputs\[1, 2\] is 11; token ids run from 0 to 10$"):
        gpt(np.where(np.arange(15).reshape(3, 5) == 7, 11, inputs))
    with pytest.raises(ValueError, match=r"^targets must have shape \(3, 5\); got \(3, 4\)$"):
        gpt(inputs, targets[:, :4])
    with pytest.raises(TypeError, match=r"^inputs must hold integers, not float64$"):
        gpt(inputs * 1.0)
    with pytest.raises(ValueError, match=r"^inputs must have shape \(B, T\); got \(5,\)$"):
        gpt(inputs[0])


@each_backend
def test_a_checkpoint_of_another_shape_is_refused(name):
    gpt = model(name)
    with pytest.raises(ValueError, match=r"parameters lacks 'blocks.1.norm1.weight'"):
        gpt.load_parameters(model(name, n_layer=1).parameters())
    with pytest.raises(ValueError, match=r"parameters\['wpe.weight'\] must have shape \(7, 12\); got \(6, 12\)"):
        gpt.load_parameters(model(name, context_length=6).parameters())


@each_backend
def test_the_model_says_what_it_is(name):
    assert repr(model(name)).startswith("GPT(vocab_size=11, context_length=7, n_layer=2, n_head=3, n_embd=12, ")


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        ("dblocks.0.x_mid", lambda tensor: tensor * 3, "dblocks.0.x_mid is 3.0 times too large"),
        ("blocks.0.y", lambda tensor: tensor[:, ::-1].copy(), "blocks.0.y is"),
        ("blocks.0.probs", lambda tensor: None, "intermediates() does not return blocks.0.probs"),
    ],
)
def test_an_intermediate_that_is_wrong_or_missing_is_named_by_the_grade(name, spoil, reason):
    class Spoiled(registry.load("numpy").GPT):
        def intermediates(self):
            found = super().intermediates()
            found[name] = spoil(found[name])
            return {k: tensor for k, tensor in found.items() if tensor is not None}

    result = graded_intermediates(Spoiled)
    assert result.outcome == FAILED
    assert reason in result.reason


def test_intermediates_must_be_of_the_last_forward_though_the_weights_have_changed():
    class Anew(registry.load("numpy").GPT):
        def _tensors(self, saved):
            return super()._tensors(saved | self._forward(saved["inputs"], saved["targets"], saved["step"]))

    result = graded_intermediates(Anew)
    assert result.outcome == FAILED
    assert result.reason.startswith(("after a step: blocks.0.x is", "after a step: x is"))
    for name in BACKENDS:
        assert graded_intermediates(registry.load(name).GPT).outcome == PASSED, name


def graded_intermediates(gpt):
    backend = SimpleNamespace(GPT=gpt, AdamW=registry.load("numpy").AdamW, __name__="backend")
    (check,) = [each for each in GPT_CHECKS if each.name == "intermediates"]
    return grade_one(BackendUnderTest(backend), check, "float64", 1, 1)
