"""The GPT as its users meet it: what must not depend on how it is run, and what it leaves alone."""

import numpy as np
import pytest
import torch
from support.gpt_limits import GRADIENT_LIMIT
from test_gpt_proofs import ATTENTIONS, SHAPES, B, T, V, config, random_ids, random_model

import nnz.gpt
from nnz import RNG
from nnz.runs.generation import logit_error


def gradients(model, *batches):
    """Of the mean of the batches' losses, accumulated batch by batch."""
    model.zero_grad()
    for idx, targets in batches:
        (model(idx, targets)[1] / len(batches)).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}


def assert_close(actual, expected, dtype="float64"):
    for name, tensor in expected.items():
        assert (actual[name] - tensor).abs().max() <= GRADIENT_LIMIT[dtype] * tensor.abs().max(), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_spelled_out_and_fused_attention_give_the_same_logits_and_gradients(shape, dtype):
    models = [random_model(nnz.gpt, shape, attention=attention, dtype=dtype) for attention in ATTENTIONS]
    logits = [model(random_ids())[0].detach().numpy() for model in models]
    assert np.abs(logits[0] - logits[1]).max() <= logit_error(models[0].config, logits[0])
    spelled_out, fused = (gradients(model, (random_ids(), random_ids(3))) for model in models)
    assert_close(fused, spelled_out, dtype)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_row_gives_the_same_logits_alone_and_in_any_batch(attention):
    model, idx = random_model(nnz.gpt, attention=attention), random_ids()
    together = model(idx)[0].detach().numpy()
    for b in range(B):
        alone = model(idx[b : b + 1])[0].detach().numpy()
        assert np.abs(alone[0] - together[b]).max() <= logit_error(model.config, together)


@pytest.mark.parametrize("shape", SHAPES)
def test_accumulated_gradients_are_those_of_the_whole_batch(shape):
    model, idx, targets = random_model(nnz.gpt, shape), random_ids(2, (6, T)), random_ids(3, (6, T))
    pieces = [(idx[i : i + 2], targets[i : i + 2]) for i in (0, 2, 4)]
    assert_close(gradients(model, *pieces), gradients(model, (idx, targets)))


def test_a_short_context_leaves_later_positions_without_gradient():
    found = gradients(random_model(nnz.gpt), (random_ids(), random_ids(3)))["wpe.weight"]
    assert (found[T:] == 0).all()
    assert (found[:T].abs().sum(dim=1) > 0).all()


def test_arrays_and_tensors_of_any_integer_type_give_the_same_and_are_not_written_to():
    model, idx = random_model(nnz.gpt), random_ids()
    expected = model(idx, idx)
    for ids in (idx.astype(np.int32), idx.astype(np.uint16), torch.from_numpy(idx), idx.tolist()):
        logits, loss = model(ids, ids)
        assert torch.equal(logits, expected[0])
        assert loss == expected[1]
    assert np.array_equal(idx, random_ids())
    assert model(idx)[1] is None
    assert logits.shape == (B, T, V)


def test_the_same_rng_draws_the_same_weights_and_torchs_own_is_left_alone():
    before = torch.get_rng_state()
    one, two, other = (nnz.gpt.GPT(config(nnz.gpt), rng).head.weight for rng in (None, RNG(1337), RNG(7)))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_state_dict_is_plain_and_loads_into_another_model(shape, tmp_path):
    model, idx = random_model(nnz.gpt, shape), random_ids()
    torch.save(model.state_dict(), tmp_path / "gpt.pth")
    other = nnz.gpt.GPT(model.config).eval()
    other.load_state_dict(torch.load(tmp_path / "gpt.pth", weights_only=True))
    assert torch.equal(other(idx)[0], model(idx)[0])
    assert (other.head.weight is other.wte.weight) == model.config.tied_head


def test_attention_maps_are_the_weights_of_every_head_and_look_back_only():
    for attention in ATTENTIONS:
        model = random_model(nnz.gpt, attention=attention).train()
        maps = nnz.gpt.attention_maps(model, random_ids())
        assert maps.shape == (2, B, 3, T, T)
        assert (maps.triu(1) == 0).all()
        assert (maps.sum(dim=-1) - 1).abs().max() <= T * torch.finfo(maps.dtype).eps
        assert model.training
