"""The interface: the same script, whatever the backend."""

import importlib
import inspect
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

import nnz
from nnz.backend import registry
from nnz.conformance.cases.mlp import random_mlp_case

BACKENDS = ("c", "numpy", "torch")
DTYPES = ("float32", "float64")
SHAPES = {"wte": (27, 48), "fc1.weight": (512, 144), "fc1.bias": (512,), "fc2.weight": (27, 512), "fc2.bias": (27,)}

each_backend = pytest.mark.parametrize("nn", [pytest.param(name, id=name) for name in BACKENDS], indirect=True)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.fixture
def nn(request):
    return registry.load(request.param)


def small(nn, dtype="float64", seed=1):
    return nn.MLP(vocab_size=11, context_length=3, embedding_size=5, hidden_size=7, rng=nnz.RNG(seed), dtype=dtype)


def batch(seed=0, B=13):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 11, (B, 3)), generator.integers(0, 11, B)


@pytest.mark.slow
@each_backend
def test_the_script_of_the_readme_trains(nn):
    data = nnz.load_dataset("names")
    model = nn.MLP(
        vocab_size=27, context_length=3, embedding_size=48, hidden_size=512, rng=nnz.RNG(1337), dtype="float32"
    )
    optim = nn.AdamW(model.parameters(), lr=7e-4, weight_decay=1e-4)
    losses = []
    for inputs, targets in data.train.batches(context_length=3, batch_size=128, steps=50):
        _, loss = model(inputs, targets)
        optim.step(model.backward())
        losses.append(loss)
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.2


@each_backend
@each_dtype
def test_parameters_are_named_shaped_and_counted_as_documented(nn, dtype):
    model = nn.MLP(27, 3, 48, 512, rng=nnz.RNG(1337), dtype=dtype)
    parameters = model.parameters()
    assert {name: tuple(p.shape) for name, p in parameters.items()} == SHAPES
    assert list(parameters) == list(SHAPES)
    assert sum(p.size for p in parameters.values()) == 89_387
    assert {str(p.dtype) for p in parameters.values()} == {dtype}


@each_dtype
def test_every_backend_starts_from_the_same_bytes(dtype):
    models = [registry.load(name).MLP(27, 3, 48, 512, rng=nnz.RNG(1337), dtype=dtype) for name in BACKENDS]
    first, *others = ([p.tobytes() for p in model.parameters().values()] for model in models)
    assert all(other == first for other in others)


@each_backend
def test_logits_and_loss_are_an_array_and_a_float(nn):
    model, (inputs, targets) = small(nn), batch()
    logits, loss = model(inputs, targets)
    assert isinstance(logits, np.ndarray)
    assert logits.shape == (13, 11)
    assert logits.dtype == np.float64
    assert isinstance(loss, float)
    assert loss == pytest.approx(float(nn.cross_entropy(logits, targets)), rel=np.finfo(np.float64).eps * 32)


@each_backend
def test_without_targets_there_is_no_loss_and_the_logits_are_the_same(nn):
    model, (inputs, targets) = small(nn), batch()
    with_targets, _ = model(inputs, targets)
    without_targets, loss = model(inputs)
    assert loss is None
    assert np.array_equal(with_targets, without_targets)


@each_backend
def test_backward_may_be_called_twice_and_gives_the_same_answer_twice(nn):
    model, (inputs, targets) = small(nn), batch()
    model(inputs, targets)
    first = {name: g.copy() for name, g in model.backward().items()}
    second = model.backward()
    assert list(first) == list(model.parameters())
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert all(np.abs(g).max() > 0 for g in first.values())


@each_backend
def test_gradients_that_were_kept_do_not_change_with_the_next_batch(nn):
    model = small(nn)
    model(*batch(seed=1))
    kept = model.backward()
    copies = {name: g.copy() for name, g in kept.items()}
    model(*batch(seed=2))
    model.backward()
    assert all(np.array_equal(kept[name], copies[name]) for name in kept)


@each_backend
def test_logits_that_were_kept_do_not_change_with_the_next_batch(nn):
    model = small(nn)
    kept, _ = model(*batch(seed=1))
    copy = kept.copy()
    model(*batch(seed=2))
    assert np.array_equal(kept, copy)


@each_backend
def test_a_small_batch_after_a_large_one_is_as_if_it_came_first(nn):
    fresh, used, (inputs, targets) = small(nn), small(nn), batch(B=1)
    used(*batch(B=128))
    used.backward()
    assert used(inputs, targets)[1] == fresh(inputs, targets)[1]
    after, before = used.backward(), fresh.backward()
    assert all(np.array_equal(after[name], before[name]) for name in before)


@each_backend
def test_arguments_are_never_written_to_and_may_be_read_only(nn):
    model, (inputs, targets) = small(nn), batch()
    inputs.setflags(write=False)
    targets.setflags(write=False)
    before = inputs.tobytes() + targets.tobytes()
    model(inputs, targets)
    model.backward()
    assert inputs.tobytes() + targets.tobytes() == before


@each_backend
def test_changing_the_batch_after_the_forward_does_not_change_the_gradient(nn):
    model, (inputs, targets) = small(nn), [ids.astype(np.int32) for ids in batch()]  # as the kernels take them
    model(inputs, targets)
    expected = model.backward()
    inputs[...], targets[...] = 0, 0
    assert all(np.array_equal(expected[name], g) for name, g in model.backward().items())


@each_backend
@pytest.mark.parametrize("integers", ["int8", "uint8", "int32", "int64", "uint64"])
def test_ids_of_any_integer_type_and_memory_order_give_the_same_loss(nn, integers):
    model, (inputs, targets) = small(nn), batch()
    expected = model(inputs, targets)[1]
    assert model(np.asfortranarray(inputs.astype(integers)), targets.astype(integers))[1] == expected
    assert model(inputs.tolist(), targets.tolist())[1] == expected


@each_backend
def test_writing_to_the_parameters_changes_the_model(nn):
    model, (inputs, targets) = small(nn), batch()
    before = model(inputs, targets)[1]
    model.parameters()["fc2.bias"][...] += np.arange(11)
    assert model(inputs, targets)[1] != before


@each_backend
def test_loaded_parameters_are_copied_and_give_their_logits(nn):
    source, model, (inputs, _) = small(nn, seed=5), small(nn, seed=6), batch()
    model.load_parameters(source.parameters())
    expected = source(inputs)[0]
    source.parameters()["fc1.bias"][...] = 0
    assert np.array_equal(model(inputs)[0], expected)


@each_backend
def test_intermediates_are_named_in_walking_order(nn):
    model = small(nn)
    model(*batch())
    shapes = {name: tensor.shape for name, tensor in model.intermediates().items()}
    assert list(shapes) == ["emb", "h_pre", "h", "logits", "probs", "dlogits", "dh", "dh_pre", "demb"]
    assert shapes["emb"] == shapes["demb"] == (13, 3, 5)
    assert shapes["h"] == (13, 7)
    assert shapes["probs"] == (13, 11)


@each_dtype
def test_the_idiomatic_torch_module_is_the_spelled_out_one_to_the_bit(dtype):
    torch = pytest.importorskip("torch")
    nn, generator = registry.load("torch"), np.random.default_rng(3)
    for _ in range(10):
        sizes, _, inputs, targets = random_mlp_case(generator, dtype)
        model = nn.MLP(*(sizes[letter] for letter in "VTEH"), rng=nnz.RNG(7), dtype=dtype)
        module = nn.MLPModule(model.parameters())
        logits, loss = module(torch.as_tensor(inputs).long(), torch.as_tensor(targets).long())
        loss.backward()
        ours, our_loss = model(inputs, targets)
        assert np.array_equal(ours, logits.detach().numpy())
        assert our_loss == loss.item()
        for name, gradient in zip(SHAPES, model.backward().values(), strict=True):
            twin = module.get_parameter(name.replace("wte", "wte.weight")).grad.numpy()
            assert np.array_equal(gradient, twin), name


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [("nnz", "torch cffi matplotlib"), ("nnz.numpy", "torch cffi matplotlib"), ("nnz.c", "torch matplotlib")],
)
def test_a_backend_pulls_in_only_what_it_needs(module, forbidden):
    code = f"import {module}, sys; print(*[m for m in {forbidden.split()!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


@pytest.mark.slow
def test_subnormal_numbers_survive_the_import_of_every_backend():
    code = (
        "import nnz.c, nnz.numpy, nnz.torch, numpy as np\n"
        "print((np.full(64, 1e-45, np.float32) * np.float32(1)).all())\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True"]


@each_backend
def test_two_models_side_by_side_do_not_touch_each_other(nn):
    alone, together, other = small(nn, seed=2), small(nn, seed=2), small(nn, seed=3)
    alone(*batch(seed=4))
    together(*batch(seed=4))
    other(*batch(seed=5))
    other.backward()
    expected = alone.backward()
    assert all(np.array_equal(expected[name], g) for name, g in together.backward().items())


@pytest.mark.parametrize("name", registry.available())
def test_an_operation_imported_by_name_is_the_checked_one(name):
    nn, ops = registry.load(name), importlib.import_module(f"nnz.{name}.ops")
    assert ops is nn.ops
    with pytest.raises(ValueError, match="ids"):
        ops.embedding_forward(np.zeros((2, 3)), np.array([[5]]))
    x = np.array([0.5], np.float32)
    assert ops.tanh_forward(x, precision="strict").dtype == np.float32


def test_a_layer_of_torch_goes_back_through_its_own_forward_whatever_was_asked_since():
    nn = pytest.importorskip("nnz.torch", reason="torch is not installed")
    model = nn.Sequential(nn.Linear(3, 3, rng=nnz.RNG(1)), nn.Tanh())
    x, dy = np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)
    model(x)
    expected = model.backward(dy)
    model(x)
    model.layers[1](2 * x)  # another call of the inner layer in between
    assert model.backward(dy).tolist() == expected.tolist()


@each_backend
def test_models_layers_and_optimizers_say_in_one_line_how_they_were_made(nn):
    model = small(nn)
    assert repr(model) == "MLP(vocab_size=11, context_length=3, embedding_size=5, hidden_size=7, dtype='float64')"
    adamw = "AdamW(lr=0.5, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)"
    assert repr(nn.AdamW(model.parameters(), lr=0.5)) == adamw
    linear = nn.Linear(3, 2, bias=False, rng=nnz.RNG(7))
    assert repr(linear) == "Linear(in_features=3, out_features=2, bias=False, dtype='float32')"
    norm = "BatchNorm1d(num_features=2, eps=1e-05, momentum=0.1, dtype='float32')"
    layers = nn.Sequential(nn.Flatten(2), nn.Residual(nn.Tanh()), nn.BatchNorm1d(2))
    assert repr(layers) == f"Sequential(Flatten(n=2), Residual(layer=Tanh()), {norm})"


@each_backend
def test_every_signature_names_its_arguments(nn):
    classes = [value for value in vars(nn).values() if isinstance(value, type) and value is not nn.Sequential]
    kinds = {cls: [p.kind.name for p in inspect.signature(cls).parameters.values()] for cls in classes}
    assert len(classes) >= 9
    assert not {cls for cls, found in kinds.items() if {"VAR_POSITIONAL", "VAR_KEYWORD"} & set(found)}


@each_backend
def test_a_model_of_every_backend_names_its_operations(nn):
    assert small(nn).ops.tanh_forward is not None


def test_an_rng_describes_itself_by_what_would_draw_the_same():
    rng = nnz.RNG(1337)
    rng.u32(10)
    same = eval(repr(rng), {"RNG": nnz.RNG})
    assert [rng.u32() for _ in range(3)] == [same.u32() for _ in range(3)]


def test_a_package_that_is_there_but_broken_is_named_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("raise OSError('libbroken.so: cannot open')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError) as error, registry.requires("broken", "nnz.torch"):
        import_module("broken")
    assert str(error.value) == "nnz.torch needs broken, which cannot be imported: libbroken.so: cannot open"
    with pytest.raises(ModuleNotFoundError, match="another"), registry.requires("broken", "nnz.torch"):
        raise ModuleNotFoundError("No module named 'another'", name="another")


def test_numpy_in_place_of_c_is_said(monkeypatch, capsys):
    monkeypatch.setattr(registry, "loads", lambda name: name != "c")
    assert registry.default() == "numpy"
    assert capsys.readouterr().err.startswith("numpy computes, more slowly than C would: nnz.c is not built here")
