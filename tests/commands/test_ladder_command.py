"""`nnz ladder`: every rung on the same data and seed, one table, one picture."""

import re

import pytest
from support.readable import assert_readable
from support.tiny_runs import data_folder, nnz

from nnz.backend import registry
from nnz.pictures.ladder import Rung
from nnz.pictures.ladder import ladder as ladder_picture
from nnz.runs import checkpoints
from nnz.runs.folder import REMEDY
from nnz.training import ladder

pytestmark = pytest.mark.usefixtures("without_pictures")
ROW = r"\| `(?P<name>[\w-]+)` \| .+ \| (?P<parameters>[\d,]+) \| (?P<steps>\d+) \| (?P<loss>\d\.\d{4}) \| .*"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data") / "few-names")


def trained(capsys, data, out):
    return nnz(capsys, "ladder", "--data", data, "--steps", 2, "--seed", 5, "--threads", 1, "--out", out)


@pytest.fixture
def small_rungs(monkeypatch):
    monkeypatch.setattr(ladder, "IDEAS", {name: ladder.IDEAS[name] for name in ("bigram-counts", "bigram", "namegen")})


@pytest.mark.slow
def test_every_rung_is_trained_on_the_same_data_and_seed_and_is_in_the_table(data, tmp_path, capsys) -> None:
    code, out, err = trained(capsys, data, tmp_path)
    rows = [re.fullmatch(ROW, line) for line in out.splitlines()[2:]]
    assert (code, [row["name"] for row in rows]) == (0, list(ladder.IDEAS))
    for row in rows:
        checkpoint = checkpoints.load(tmp_path / row["name"] / "checkpoint.safetensors")
        used = checkpoint.recipe
        assert (used.data.name, used.train.seed, used.train.backend) == (str(data), 5, registry.default())
        assert used.train.steps == int(row["steps"]) == (1 if row["name"] == "bigram-counts" else 2)
        assert row["parameters"] == f"{sum(p.size for p in checkpoint.parameters.values()):,}"
        last = (tmp_path / row["name"] / "log.csv").read_text().splitlines()[-1].split(",")
        assert row["loss"] == f"{float(last[2]):.4f}"
    assert "test_loss" in err
    assert (tmp_path / "ladder.png").read_bytes()[:4] == b"\x89PNG"


def test_the_table_on_stdout_does_not_vary_and_the_one_in_the_folder_adds_the_times(
    data, tmp_path, capsys, small_rungs
) -> None:
    first, second = (trained(capsys, data, tmp_path / name)[1] for name in "ab")
    assert first == second
    written = (tmp_path / "a" / "ladder.md").read_text(encoding="utf-8").splitlines()
    assert [line.rsplit("|", 2)[0] + "|" for line in written] == first.splitlines()
    assert [bool(re.fullmatch(r".* \d+\.\d \|", line)) for line in written] == [False] * 2 + [True] * 3


def test_a_gain_is_the_loss_before_less_the_loss_after() -> None:
    rungs = [Rung(name, 10, 5, loss, loss, 1) for name, loss in (("bigram", 2.5), ("namegen", 2.25), ("wavenet", 2.5))]
    gains = [line.split(" | ")[5] for line in ladder.markdown_table(rungs, with_time=False).splitlines()[2:]]
    assert gains == ["", "+0.2500", "-0.2500"]


def test_the_picture_has_named_axes_and_a_legend_and_tells_better_from_worse() -> None:
    losses = {"bigram": 2.5, "namegen": 2.2, "residual": 2.3, "wavenet": 2.0}
    rungs = [Rung(name, 100 + i**4, 5, loss, loss, 1.0 + i) for i, (name, loss) in enumerate(losses.items())]
    figure = ladder_picture(rungs, "the ladder")
    assert_readable(figure)
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == ["val loss", "better than the rung before", "worse", "what it costs"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["2.500", "2.200", "2.300", "2.000"]


@pytest.mark.parametrize("words", [["--steps", 0], ["--seed", 0], ["--threads", 0], ["--backend", "fortran"]])
def test_what_no_rung_can_be_trained_with_is_refused_before_anything_is_written(tmp_path, capsys, words) -> None:
    code, out, err = nnz(capsys, "ladder", *words, "--out", tmp_path / "none")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert not (tmp_path / "none").exists()


def test_every_rung_is_checked_before_the_first_is_trained(data, tmp_path, capsys) -> None:
    code, out, err = nnz(capsys, "ladder", "--data", data, "--set", "train.batch_size=1", "--out", tmp_path / "ladder")
    assert (code, out, err.count("\n"), (tmp_path / "ladder").exists()) == (2, "", 1, False)
    assert "too small for BatchNorm" in err


def test_every_rung_is_checked_before_the_first_one_goes_on(data, tmp_path, capsys, small_rungs) -> None:
    words = "ladder", "--data", data, "--steps", 2, "--out", tmp_path / "ladder"
    assert nnz(capsys, *words)[0] == 0
    kept = {path: path.read_bytes() for path in (tmp_path / "ladder").rglob("*") if path.is_file()}
    changed = tmp_path / "ladder" / "namegen" / "checkpoint.safetensors"
    checkpoint = checkpoints.load(changed)
    checkpoint.recipe = checkpoint.recipe.override("sample.seed", 5)
    checkpoints.save(changed, checkpoint)
    kept[changed] = changed.read_bytes()
    code, out, err = nnz(capsys, *words, "--resume")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "namegen had sample.seed = 5, not 42" in err
    code, out, err = nnz(capsys, "ladder", "--data", data, "--resume", "--out", tmp_path / "ladder")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "ask for more steps by --steps" in err
    assert {path: path.read_bytes() for path in kept} == kept


@pytest.mark.slow
def test_a_ladder_is_replaced_only_if_it_is_told_to_and_can_be_continued(data, tmp_path, capsys, small_rungs) -> None:
    first = trained(capsys, data, tmp_path)
    words = "ladder", "--data", data, "--steps", 2, "--seed", 5, "--threads", 1, "--out", tmp_path
    code, out, err = nnz(capsys, *words)
    assert (code, out, err) == (1, "", f"nnz: {tmp_path}/bigram-counts already holds a run; {REMEDY}\n")
    for flag in ("--resume", "--restart"):
        assert nnz(capsys, *words, flag)[:2] == first[:2]
    assert nnz(capsys, *words, "--resume", "--restart")[0] == 2


def test_a_table_that_is_no_ladders_is_kept(data, tmp_path, capsys, small_rungs) -> None:
    (tmp_path / "ladder.md").write_text("mine")
    code, out, err = trained(capsys, data, tmp_path)
    assert (code, out, (tmp_path / "ladder.md").read_text()) == (1, "", "mine")
    assert "ladder.md is there already; replace it with --restart, or give another --out" in err


def test_set_changes_every_rung(data, tmp_path, capsys, small_rungs) -> None:
    words = ("--steps", 2, "--set", "data.split=position", "--set", "train.batch_size=7", "--out", tmp_path)
    assert nnz(capsys, "ladder", "--data", data, *words)[0] == 0
    for name in ladder.IDEAS:
        recipe = checkpoints.load(tmp_path / name / "checkpoint.safetensors").recipe
        assert (recipe.data.split, recipe.data.kind, recipe.train.batch_size) == ("position", "list", 7)
