"""A run on words: trained, sampled, compared, as a person meets it."""

import re
import sys

import pytest
from support.tiny_runs import nnz, tiny_recipe, train

from nnz.backend import registry
from nnz.commands.main import main
from nnz.recipes import recipe

BOOK = (
    "Harry Potter and the stone: he said it.\n\nThe cat, she said, and the dog sat.\n\nHarry said 'no' to the cat.\n\n"
)
BY_WORDS = {"data__tokenizer": "word", "data__split": "position", "data__fractions": [0.8, 0.1, 0.1]}
NORMALISED = {"model__kind": "mlp-batchnorm", "sample__new": False, "sample__count": 2}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("book")
    (place / "book.txt").write_text(BOOK * 20)
    return train(tiny_recipe(place / "book.txt", **BY_WORDS, **NORMALISED), place / "run")


def test_a_prompt_is_continued_word_by_word_with_natural_spacing(run, capsys) -> None:
    code, out, err = nnz(capsys, "sample", run, "--prompt", "harry potter and the", "--count", 5)
    assert (code, err, len(out.splitlines())) == (0, "", 5)
    assert all(line.startswith("harry potter and the") for line in out.splitlines())
    assert not re.search(r" [,.:]|  ", out)


def test_tokens_draws_exactly_so_many_words_and_writes_each_as_it_comes(run, monkeypatch) -> None:
    calls = []

    class Stdout:
        def write(self, text):
            calls.append(text)

        def flush(self):
            calls.append(None)

    monkeypatch.setattr(sys, "stdout", Stdout())
    assert main(["sample", str(run), "--prompt", "Harry", "--tokens", "7"]) == 0
    assert calls[0] == "Harry"
    assert calls[2:16:2] == [None] * 7


@pytest.mark.parametrize(("prompt", "word", "near"), [("hary potter", "hary", "'harry'"), ("the 😀", "😀", "none")])
def test_a_prompt_word_that_the_book_never_has_is_named_with_its_neighbours(run, capsys, prompt, word, near) -> None:
    code, out, err = nnz(capsys, "sample", run, "--prompt", prompt)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"word '{word}' is not among" in err
    assert near in err


@pytest.mark.parametrize("prompt", ["HARRY", ".", "", "harry, and", "  the   cat "])
def test_a_prompt_may_be_in_capitals_a_mark_alone_or_nothing_and_stands_as_it_was_given(run, capsys, prompt) -> None:
    code, out, err = nnz(capsys, "sample", run, "--prompt", prompt, "--count", 2)
    assert (code, err) == (0, "")
    assert all(line.startswith(prompt) for line in out.splitlines())
    assert len(out.splitlines()) == 2


def test_compare_shows_the_untrained_and_the_trained_model_on_words(run, capsys) -> None:
    code, out, err = nnz(capsys, "compare", run, "--count", 3)
    assert (code, err) == (0, "")
    losses = [float(loss) for loss in re.findall(r"val_loss (\d+\.\d+)", out)]
    assert losses[1] < losses[0]


@pytest.mark.slow
def test_a_thousand_float64_steps_on_words_give_the_same_log_in_every_backend(tmp_path) -> None:
    (tmp_path / "book.txt").write_text(BOOK * 20)
    settings = recipe.load("words").override("data.name", str(tmp_path / "book.txt")).override("model.dtype", "float64")
    settings = settings.override("train.steps", 1_000).override("train.eval_every", 50)
    first, *others = (train(settings, tmp_path / b, b) / "log.csv" for b in registry.names())
    assert len(first.read_text().splitlines()) == 22
    for other in others:
        assert other.read_bytes() == first.read_bytes()


def test_the_recipe_words_holds_the_settings_of_its_system() -> None:
    words = recipe.load("words")
    model, data = words.model, words.data
    assert (model.kind, model.context_length, model.embedding_size, model.hidden_size) == ("mlp-batchnorm", 4, 30, 300)
    assert (data.tokenizer, data.split, data.fractions) == ("word", "position", (0.9, 0.05, 0.05))
    assert words.train.steps == 10_000
