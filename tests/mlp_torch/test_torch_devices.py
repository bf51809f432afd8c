"""Which devices torch has here: the GPU of an Apple chip among them, which has no float64."""

import pytest

import nnz
from nnz.commands.main import main

torch = pytest.importorskip("torch", reason="torch is not installed")
nn = pytest.importorskip("nnz.torch", reason="torch is not installed")


def test_an_apple_chip_is_a_device_where_torch_has_it_and_float64_is_refused_there(monkeypatch, capsys, tmp_path):
    assert ("mps" in nn.devices()) == torch.backends.mps.is_available()
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert "mps" in nn.devices()
    sizes = {"vocab_size": 3, "context_length": 2, "embedding_size": 2, "hidden_size": 2}
    with pytest.raises(ValueError, match="device 'mps' has no float64; take float32, or another device"):
        nn.MLP(**sizes, rng=nnz.RNG(1), dtype="float64", device="mps")
    words = ["train", "names", "--backend", "torch", "--device", "mps", "--dtype", "float64", "--out", str(tmp_path)]
    assert main(words) == 2
    assert "device mps has no float64; take --dtype float32, or --device cpu" in capsys.readouterr().err
