"""The shapes in which ports print their losses."""

import json
from dataclasses import replace

import pytest

from nnz.files.errors import UsageError
from nnz.referee import log
from nnz.referee.start import Names
from nnz.referee.training import Training
from nnz.referee.variant import REFERENCE
from nnz.referee.verdict import judge

STEPS = 10
HEADER = "num docs: 32033\nvocab size: 27\nnum params: 4192\n"


@pytest.fixture(scope="module")
def losses(names: Names) -> list[float]:
    trained = Training(names, REFERENCE).losses()
    return [next(trained) for _ in range(STEPS)]


def enumerated(form: str, first: int = 1) -> object:
    return lambda losses: [form.format(step=i, loss=loss) for i, loss in enumerate(losses, first)]


SHAPES = {
    "the reference's": enumerated("step {step:4d} / 1000 | loss {loss:.4f}"),
    "counted from 0": enumerated("step {step} loss {loss:.4f}", 0),
    "with a rate before it": enumerated("step {step} | lr 0.0100 | loss: {loss:.6f} | 12.5 ms"),
    "iterations": enumerated("Iteration {step}: train_loss={loss:.5f}, val_loss=9.9999"),
    "in brackets": enumerated("[{step}/1000] Loss = {loss:.4f}"),
    "an epoch before the step": enumerated("epoch 1, step {step}, loss {loss:.4f}"),
    "in colours": enumerated("\x1b[32mstep {step}\x1b[0m | loss \x1b[1m{loss:.4f}\x1b[0m"),
    "in an exponent": enumerated("step {step} loss {loss:.6e}"),
    "with all digits": enumerated("step {step} loss {loss!r}"),
    "with as many digits, not decimals": enumerated("step {step} loss {loss:.5g}"),
    "without zeros at the end": lambda losses: [f"step {i} loss {round(x, 4)}" for i, x in enumerate(losses, 1)],
    "the loss first": enumerated("loss {loss:.4f} at step {step}"),
    "without steps": enumerated("loss: {loss:.4f}"),
    "JSON": lambda losses: [json.dumps({"step": i, "loss": x, "lr": 0.01}) for i, x in enumerate(losses, 1)],
    "CSV": lambda losses: ["step,lr,loss", *(f"{i},0.01,{x:.6f}" for i, x in enumerate(losses, 1))],
    "CSV without a header": enumerated("{step},{loss:.6f}"),
    "CSV without steps": lambda losses: ["lr,loss", *(f"0.01,{x:.6f}" for x in losses)],
    "tabs": enumerated("{step}\t{loss:.6f}"),
    "bare": enumerated("{loss:.4f}"),
    "a step and a colon": enumerated("Step {step}: {loss:.4f}"),
    "a number and a colon": enumerated("{step}: {loss:.4f}"),
    "of a thousand": enumerated("[{step}/1000] {loss:.4f}"),
    "of a thousand, no brackets": enumerated("{step}/1000 {loss:.4f} 3.2 ms", 0),
    "thousands with commas": enumerated("step {step:,} / 1,000 | loss {loss:.4f}"),
    "a row of Markdown": enumerated("| {step} | {loss:.4f} | 0.01 |"),
    "a unit": enumerated("step {step}: loss (nats): {loss:.4f}"),
    "an arrow": enumerated("step {step} loss -> {loss:.4f}"),
    "a sentence": enumerated("at step {step} the loss is {loss:.4f}"),
    "nll": enumerated("step {step} nll={loss:.4f}"),
    "an average before it": enumerated("step {step} | avg loss 3.1 | loss {loss:.4f}"),
    "tqdm": enumerated("{step:3}%|█         | {step}/1000 [00:01<02:00, 7.80it/s, loss={loss:.4f}]"),
    "CSV with that of val first": lambda losses: [
        "step,val_loss,loss",
        *(f"{i},9,{x:.6f}" for i, x in enumerate(losses, 1)),
    ],
    "after a mark of the order of bytes": lambda losses: [
        "\ufeff" + f"{losses[0]:.4f}",
        *(f"{x:.4f}" for x in losses[1:]),
    ],
}
WHOLE = {
    "an array": lambda losses: json.dumps(losses),
    "an array on lines": lambda losses: json.dumps(losses, indent=1),
    "an object": lambda losses: json.dumps({"steps": 1000, "losses": losses, "names": ["a", "b"]}),
    "objects": lambda losses: json.dumps([{"step": i, "loss": loss} for i, loss in enumerate(losses)], indent=1),
    "in a line": lambda losses: "training ...\n" + " ".join(f"{loss:.4f}" for loss in losses) + "\ndone\n",
    "in a line, between commas": lambda losses: ", ".join(f"{loss:.4f}" for loss in losses),
    "with a summary": lambda losses: (
        "\n".join(f"step {i} loss {x:.4f}" for i, x in enumerate(losses, 1))
        + "\nafter 10 steps, last loss: 2.3600 at step 10, best loss: 1.1\n"
    ),
}


@pytest.mark.parametrize("shape", WHOLE)
def test_losses_are_found_in_a_text_of_one_piece(shape: str, losses: list[float], names: Names) -> None:
    verdict = judge(names, log.read(WHOLE[shape](losses)), STEPS)
    assert len(verdict.losses.values) == STEPS
    assert verdict.is_equal


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=["lf", "cr", "crlf"])
@pytest.mark.parametrize("shape", SHAPES)
def test_losses_are_found_in_each_shape(shape: str, end: str, losses: list[float], names: Names) -> None:
    head = "" if "order of bytes" in shape else HEADER
    text = head + end.join(SHAPES[shape](losses)) + "\nsample  1: kamon\nfinal loss: 2.6497\n"
    if shape == "without steps":  # there it would be one more
        text = text.replace("final loss: 2.6497\n", "")
    verdict = judge(names, log.read(text), STEPS)
    assert len(verdict.losses.values) == STEPS
    assert verdict.is_equal


@pytest.mark.parametrize(
    ("pattern", "form"),
    [
        (r"(\d+)/\S+ L=(\S+)", "{step}/1000 L={loss:.4f}"),
        (r"L=(\S+)", "{step}/1000 L={loss:.4f}"),
        (r"L=(?P<loss>\S+) .* t=(?P<step>\d+)", "L={loss:.4f} (some) t={step}"),
    ],
)
def test_a_pattern_finds_losses_in_other_shapes(pattern: str, form: str, losses: list[float], names: Names) -> None:
    text = "\n".join(enumerated(form)(losses))
    assert judge(names, log.read(text, pattern), STEPS).is_equal


@pytest.mark.parametrize(
    ("pattern", "why"), [("(", "not a regular expression"), ("a(b)(c)(d)", "3 groups"), ("x", "0")]
)
def test_a_pattern_that_cannot_find_a_loss_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        log.read("", pattern)


def only(steps: list[int], base: int = 1) -> tuple[list[int], int]:
    """The steps, counted from 1, that a log of `every hundredth` is placed at, and what it calls the first."""
    lines = [log.Line(step, "1.0000") for step in steps]
    placed = next(log.placed(lines))
    return sorted(placed.values), placed.base


def test_every_hundredth_step_is_counted_from_where_it_begins() -> None:
    assert only([100, 200, 1000]) == ([100, 200, 1000], 1)
    assert only([1, 101, 201]) == ([1, 101, 201], 1)
    assert only([0, 100, 900]) == ([1, 101, 901], 0)
    assert only([99, 199, 999]) == ([100, 200, 1000], 0)


def test_bare_numbers_may_be_of_every_step_or_of_every_hundredth(names: Names) -> None:
    trained = list(Training(names, REFERENCE).losses())[: 3 * STEPS]
    text = "\n".join(f"{loss:.4f}" for loss in trained[STEPS - 1 :: STEPS])
    found = judge(names, log.read(text), 3 * STEPS)
    assert sorted(found.losses.values) == [10, 20, 30]
    assert found.is_equal
    also = "\n".join(f"{loss:.4f}" for loss in [trained[0], *trained[STEPS - 1 :: STEPS]])
    assert sorted(judge(names, log.read(also), 3 * STEPS).losses.values) == [1, 10, 20, 30]


FORMS = ("sample {0:2d}: {1}", "{1}", "Sample {0} | {1}", "  {1}", "{0}. {1}", "{0:2d}: {1}", "[{0}] {1}", '- "{1}"')
FORMS += ("sample {0} -> {1}", "Sample #{0}: {1}", "name {0}: {1}", "{0} - {1}", "sample {0}/20: {1}")


@pytest.mark.parametrize("before", ["", "done in 2.5 s\n", "Generated\n"])
@pytest.mark.parametrize("after", ["", "took 3 s\n\n"])
@pytest.mark.parametrize("form", FORMS)
def test_names_are_found_after_the_losses(form: str, before: str, after: str) -> None:
    names = ["kamon", "ann", "zoë"]
    shown = "\n".join(form.format(i, name) for i, name in enumerate(names, 1))
    assert log.samples(f"{HEADER}step 1 loss 3.3660\n{before}--- inference ---\n{shown}\n{after}") == names
    assert log.samples(f"{HEADER}step 1 loss 3.3660\n") == []


@pytest.mark.parametrize("form", ["Generated: {0}", "{0}", "['{1}']", "names: [{0}]."])
def test_names_in_one_line_are_found(form: str) -> None:
    names = ["kamon", "ann", "zoë", "eli", "bo"]
    shown = form.format(", ".join(names), "', '".join(names))
    assert log.samples(f"{HEADER}step 1 loss 3.3660\n{shown}\n") == names


def test_words_before_the_losses_are_no_names() -> None:
    words = "\n".join("abcdefghijklmnopqrstuvwxyz")
    assert log.samples(f"{words}\nstep 1 loss 3.3660\nkamon\nann\n") == ["kamon", "ann"]


@pytest.mark.parametrize(
    ("steps", "holes"),
    [
        ([*range(1, 50), *range(60, 1001)], [(50, 59)]),
        ([*range(1, 998), 1000], [(998, 999)]),
        ([*range(1, 10), *range(11, 20), *range(25, 30)], [(10, 10), (20, 24)]),
        ([100, 200, 400, 500, 600], [(201, 399)]),
        ([1, *range(100, 1001, 100)], []),
        ([*range(1, 902, 100), 1000], []),
        ([*range(1, 10), *range(10, 100, 10), *range(100, 1001, 100)], []),
        ([5], []),
    ],
    ids=str,
)
def test_steps_that_are_missing_are_seen(steps: list[int], holes: list[tuple[int, int]], names: Names) -> None:
    losses = next(log.placed([log.Line(step, "3.0") for step in steps]))
    assert losses.holes == holes


def test_a_hole_is_told_and_the_log_is_not_equal(losses: list[float], names: Names) -> None:
    shown = [f"step {i} loss {loss:.4f}" for i, loss in enumerate(losses) if i not in (3, 4)]
    verdict = judge(names, log.read("\n".join(shown)), STEPS)
    assert verdict.reference.is_whole
    assert not verdict.is_equal
    assert verdict.problems == ["steps 3 to 4 have no loss, and those before and after it have one"]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["step {0} / 30 | loss {1:.9f}", "[{0}/30] loss {1:.9f}", "{0} of 30, loss {1:.9f}"])
def test_a_port_that_is_made_to_run_for_fewer_steps_is_recognised(form: str, names: Names) -> None:
    trained = Training(names, replace(REFERENCE, decay_steps=30)).losses()
    shown = [form.format(i, next(trained)) for i in range(1, STEPS + 1)]
    (found,) = judge(names, log.read("\n".join(shown)), STEPS).why
    assert [one.name for one in found.deviations] == ["decay-over-30"]


def test_a_step_that_is_printed_twice_counts_once() -> None:
    lines = log.read("step 1 loss 3.3660\rstep 2 loss 3.4243\rstep 2 loss 3.4243\n")
    assert next(log.placed(lines)).values == {1: 3.3660, 2: 3.4243}


def test_two_losses_of_one_step_are_refused() -> None:
    with pytest.raises(UsageError, match=r"step 1 has two losses, 3.366 and 3.4: give the log of one run"):
        next(log.placed(log.read("step 1 loss 3.3660\nstep 1 loss 3.4\n")))


@pytest.mark.parametrize("word", ["nan", "-nan", "NaN", "inf", "-Infinity"])
def test_a_loss_that_is_not_finite_is_a_loss(word: str) -> None:
    lines = log.read(f"step 1 loss 3.3660\nstep 2 loss {word}\n")
    assert [line.text for line in lines] == ["3.3660", word]
    assert next(log.placed(lines)).halves == {1: 0.5e-4, 2: pytest.approx(0.5e-4)}


@pytest.mark.parametrize("text", ["", "\n\n", "hello\n", HEADER, "loss\n", "lossless 1\n", "a" * 10**6], ids=range(7))
def test_a_text_without_losses_has_none(text: str) -> None:
    assert log.read(text) == []
