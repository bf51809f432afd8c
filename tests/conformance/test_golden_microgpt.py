"""What `nnz golden microgpt` writes is what microgpt computes."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from support.tiny_runs import nnz, train

from nnz.files import downloads
from nnz.recipes.recipe import load
from nnz.runs import checkpoints

PRINTED = Path(__file__).parents[1] / "support" / "golden" / "microgpt.txt"  # by PyTorch and Python's own random
STEPS = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from nnz.conformance import golden_microgpt

    try:
        downloads.get("makemore-names")
    except downloads.DownloadError as error:
        pytest.skip(str(error))
    out = tmp_path_factory.mktemp("golden")
    golden_microgpt.write(out, load("microgpt"))
    return out


def test_the_losses_are_those_that_the_reference_prints(folder):
    losses = [float(line) for line in (folder / "losses.txt").read_text().split()]
    printed = [line.split()[-1] for line in PRINTED.read_text().splitlines() if line.startswith("step")]
    assert [f"{loss:.4f}" for loss in losses] == printed
    assert len(losses) == 1_000


def test_json_has_the_same_numbers_and_every_document_is_there(folder):
    for path in folder.glob("*.jsonl"):
        rows = map(json.loads, path.read_text().splitlines())
        found = {row["name"]: np.reshape(row["values"], row["shape"]) for row in rows}
        expected = load_file(path.with_suffix(".safetensors"))
        assert found.keys() == expected.keys()
        assert len(found) == 9
        for name, array in expected.items():
            assert np.array_equal(found[name], array), name
    documents = (folder / "documents.txt").read_text().split()
    assert sorted(documents) == sorted(downloads.get("makemore-names").read_text().split())


def test_the_first_update_is_adams_of_the_first_gradients(folder):
    before, gradients, after = (
        load_file(folder / f"{name}.safetensors") for name in ("weights", "gradients-1", "parameters-1")
    )
    assert sum(p.size for p in before.values()) == 4_192
    for name, p in before.items():
        g = gradients[name]
        assert np.allclose(after[name], p - 0.01 * g / (np.abs(g) + 1e-8), rtol=0, atol=1e-15), name


def test_a_backend_that_trains_the_recipe_comes_to_the_same_parameters(folder, tmp_path):
    recipe = load("microgpt").override("train.steps", STEPS)
    recipe = recipe.override("optimizer.schedule", "constant").override("optimizer.lr", 1e-2)
    trained = checkpoints.load(train(recipe, tmp_path / "run") / "checkpoint.safetensors").parameters
    from nnz.conformance import golden_microgpt

    golden_microgpt.write(tmp_path / "golden", recipe)
    golden = load_file(tmp_path / "golden" / f"parameters-{STEPS}.safetensors")
    assert np.allclose(golden["lm_head"], trained["head.weight"], rtol=0, atol=1e-12)
    assert np.allclose(golden["layer0.attn_wk"], trained["blocks.0.attention.qkv.weight"][16:32], rtol=0, atol=1e-12)
    assert np.allclose(golden["layer0.mlp_fc2"], trained["blocks.0.mlp.fc2.weight"], rtol=0, atol=1e-12)


def test_fewer_steps_leave_no_file_of_more(folder, tmp_path):
    from nnz.conformance import golden_microgpt

    for steps, expected in ((10, {"parameters-1", "parameters-10"}), (3, {"parameters-1"})):
        paths = golden_microgpt.write(tmp_path, load("microgpt").override("train.steps", steps))
        assert {path.stem for path in tmp_path.glob("parameters-*")} == expected
        assert {*tmp_path.iterdir()} == {*paths}


def test_what_makes_no_sense_is_refused_in_one_line(capsys, tmp_path):
    for words, message in (
        (["a", tmp_path], f"give one folder, or microgpt and a folder; got a {tmp_path}"),
        (["microgpt"], "nnz golden microgpt OUT needs a folder; write ./microgpt for a folder of that name"),
        ([tmp_path, "--steps", 3], "--steps is of microgpt alone: nnz golden microgpt OUT; drop it"),
        (["microgpt", tmp_path, "--dtype", "float32"], "microgpt's numbers are float64 alone; drop --dtype"),
    ):
        assert nnz(capsys, "golden", *words) == (2, "", f"nnz: {message}\n")
    assert not any(tmp_path.iterdir())
