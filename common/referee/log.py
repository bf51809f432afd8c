"""The losses that a port printed, in whatever shape.

`step    1 / 1000 | loss 3.3660` and the like, one line over the other by carriage returns too; `1: 3.3660`; CSV with or
without a header; JSON; bare numbers; or what a pattern finds.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..files.errors import UsageError, quoted
from .training import STEPS

NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|(?i:nan|inf(?:inity)?)\b)"
LOSS = re.compile(
    r"(?i:loss(?:es)?(?:_[a-z_]{0,20})?|\bnll|\bcost)(?![A-Za-z])[\"']?(?:[ \t]{0,20}\([^()]{0,20}\))?"
    rf"[ \t]{{0,20}}(?:[-=]>|[:=|,]|is\b)?[ \t]{{0,20}}[\"']?({NUMBER})"
)
SUMMARY = re.compile(  # before the word loss: it is not that of the step alone
    r"(?i:\b(?:avg|average|mean|val(?:id(?:ation)?)?|test|eval|ema|smooth(?:ed)?|running|best|min|final|last|prev(?:ious)?)"
    r"[ _.-]?(?:train(?:ing)?[ _.-]?)?)$"
)
COUNT = r"(\d{1,3}(?:,\d{3})+|\d{1,9})"
STEPS_WORDS = r"step|iter(?:ation)?|it|i"
STEP, EPOCH = (
    re.compile(rf"(?i:\b(?:{words}))[\"']?[ \t#:=|,\[(]{{0,20}}{COUNT}(?![\d.])") for words in (STEPS_WORDS, "epoch")
)
OF = re.compile(rf"(?<![\w.,]){COUNT}[ \t]{{0,20}}(?:/|of)[ \t]{{0,20}}{COUNT}(?![\w.])")
FIRST_WHOLE = re.compile(r"(?<![\w.])(\d{1,9})(?![\w.%])")
BARE = re.compile(NUMBER)
ROW = re.compile(
    rf"(?:\|[ \t]*)?(?:(?i:{STEPS_WORDS}|epoch)[ \t#:=]{{0,20}})?"
    r"[\[(]?(\d{1,9})(?:[ \t]*(?:/|of)[ \t]*(\d{1,9}))?[\])]?"
    rf"[ \t]*[,;:|\t ][ \t]*({NUMBER})(?:[ \t]*[,;\t |][ \t]*.*)?"
)
SAMPLE = re.compile(
    r"(?i:sample|name)[ \t#]{0,20}\d{1,4}(?:[ \t]*/[ \t]*\d{1,4})?[ \t]{0,20}"
    r"(?:[:|.)]|[-=]?>|-)[ \t]{0,20}[\"']?(\w{0,40})"
)
BEFORE_WORD = r"[\[(]?\d{1,4}[])]?[.:)]?[ \t]{1,20}(?:-[ \t]{1,20})?|\d{1,4}[.:)]|[-*>][ \t]{1,20}"
WORD = re.compile(rf"""(?:{BEFORE_WORD})?["']?([^\W\d_]{{1,40}})["']?""")
ONE = r"""["']?[^\W\d_]{1,40}["']?[ \t]*"""
WORDS = re.compile(rf"(?:[^:\[\]]{{0,40}}:)?[ \t]*\[?((?:[ \t]*{ONE},){{4,}}[ \t]*{ONE})\]?\.?")
COLOURS = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
LONGEST_LINE, MOST_LINES = 1000, 200_000  # characters, and lines; what follows is not read
LONGEST_TAIL = 10_000  # characters at the end, among which are the names
STRIDES = (1, 100, 10, 50, 20, 200, 250, 500, 5, 2)  # of losses without a step


@dataclass(frozen=True)
class Line:
    """One loss as it was printed, and the number of its step, if it was."""

    step: int | None
    text: str
    of: int | None = None  # the number of steps that is printed after it, as in step 1 / 1000


@dataclass(frozen=True)
class Losses:
    """By step, counted from 1: the loss, and half a unit of its last printed digit."""

    values: dict[int, float]
    halves: dict[int, float]
    decimals: int  # the most that one has
    base: int = 1  # what the port calls the first step
    stride: int = 1

    @property
    def last(self) -> int:
        return max(self.values)

    @property
    def holes(self) -> list[tuple[int, int]]:
        """(first, last) of the steps that are missing between others: a gap that is wider than a later one.

        Losses may be printed more rarely as steps go on, and the last step is printed in any case.
        """
        steps = sorted(self.values)
        gaps = [b - a for a, b in itertools.pairwise(steps)]
        is_dense = self.stride == 1 and 2 * len(steps) > steps[-1] - steps[0]
        return [
            (steps[i] + 1, steps[i + 1] - 1)
            for i, gap in enumerate(gaps)
            if gap > self.stride and (is_dense or min(gaps[i + 1 : -1], default=gap) < gap)
        ]

    def until(self, steps: int) -> Losses:
        """Those of the first steps alone."""
        return replace(self, values={step: loss for step, loss in self.values.items() if step <= steps})


def read(text: str, pattern: str | None = None) -> list[Line]:
    """The losses in the order in which they were printed. Raises UsageError for a pattern that is none."""
    whole = re.split(r"[\r\n]+", text.removeprefix("\ufeff"), maxsplit=MOST_LINES)[:MOST_LINES]
    lines = [COLOURS.sub("", line[:LONGEST_LINE]).strip() for line in whole]
    lines = [line for line in lines if line]
    if pattern is not None:
        return _by_pattern(lines, pattern)
    rows = [Line(int(row[1]), row[3], int(row[2] or 0) or None) for line in lines if (row := ROW.fullmatch(line))]
    bare = [Line(None, line) for line in lines if BARE.fullmatch(line)] or _in_a_row(whole)
    found = max(_named(lines), _table(lines), rows, bare, _json(text), key=len)  # the first of equals
    if any(line.step is not None for line in found):
        return [line for line in found if line.step is not None]  # the others are sums of it all, as "final loss: 2.65"
    return found


def samples(text: str) -> list[str]:
    """The names that it printed after its training: as `sample  1: kamon`, in one line, or each on a line of its own.

    Of several groups of such lines the longest, of those after the losses if there are any; a number, a mark or a quote
    may be before a name: ` 1. "kamon"`.
    """
    if labelled := [found[1] for found in SAMPLE.finditer(text)]:
        return labelled
    lines = [line.strip() for line in re.split(r"[\r\n]+", text[-LONGEST_TAIL:])]
    of_losses = [i for i, line in enumerate(lines) if LOSS.search(line) or ROW.fullmatch(line) or BARE.fullmatch(line)]
    after = lines[of_losses[-1] + 1 :] if of_losses else lines
    return _names(after) or _names(lines)


def _names(lines: Sequence[str]) -> list[str]:
    """The longest list in one line, or group of lines with a word each."""
    in_one = [re.findall(r"[^\W\d_]+", found[1]) for line in lines if (found := WORDS.fullmatch(line))]
    words = (WORD.fullmatch(line) for line in lines)
    groups = [[word[1] for word in group] for is_word, group in itertools.groupby(words, bool) if is_word]
    return max([*groups, *in_one], key=len, default=[])


def _named(lines: Sequence[str]) -> list[Line]:
    """The lines with the word loss; without those of averages and of the end, unless there are no others."""
    plain, summaries = [], []
    for line in lines:
        matches = [*LOSS.finditer(line)]
        of_step = next((match for match in matches if not SUMMARY.search(line[: match.start()])), None)
        if of_step:
            plain.append(Line(_step(line, of_step), of_step[1], _of(line)))
        elif matches:
            summaries.append(Line(_step(line, matches[0]), matches[0][1], _of(line)))
    return plain or summaries


def _in_a_row(lines: Sequence[str]) -> list[Line]:
    """The one line that holds all losses: numbers between spaces or commas."""
    rows = [re.split(r"[,;\s]+", line.strip(" \t[]()")) for line in lines]
    rows = [row for row in rows if len(row) > 2 and all(map(BARE.fullmatch, row))]
    return [Line(None, number) for number in rows[0]] if len(rows) == 1 and any("." in one for one in rows[0]) else []


def _json(text: str) -> list[Line]:
    """The losses of a text that is JSON as a whole: a list of numbers or of objects, alone or in an object."""
    if not text.lstrip("\ufeff \t\r\n").startswith(("[", "{")):
        return []
    try:
        content = json.loads(text.lstrip("\ufeff"), parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return []
    if isinstance(content, dict):
        lists = {name.lower(): value for name, value in content.items() if isinstance(value, list)}
        content = next((value for name, value in lists.items() if "loss" in name), [*lists.values(), []][0])
    rows = [row if isinstance(row, dict) else {"loss": row} for row in content]
    found = []
    for row in rows:
        loss = row.get("loss", row.get("train_loss"))
        step = next((row[name] for name in ("step", "iter", "iteration", "i") if name in row), None)
        if isinstance(loss, str) and BARE.fullmatch(loss):
            found.append(Line(int(step) if isinstance(step, str) and step.isdecimal() else None, loss))
    return found


def _step(line: str, loss: re.Match) -> int | None:
    """The number of the step: after a word for it, as 1/1000, or else the first whole number before the loss."""
    found = STEP.search(line) or OF.search(line) or EPOCH.search(line) or FIRST_WHOLE.search(line[: loss.start()])
    return _whole(found[1]) if found else None


def _of(line: str) -> int | None:
    """The number of all steps: "step 1 / 1000", "step 1 of 1000"."""
    found = OF.search(line)
    return _whole(found[2]) if found else None


def _whole(count: str) -> int:
    return int(count.replace(",", ""))


def _by_pattern(lines: Sequence[str], pattern: str) -> list[Line]:
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"--pattern {quoted(pattern)} is not a regular expression: {error}") from None
    names = compiled.groupindex
    if compiled.groups not in (1, 2) and "loss" not in names:
        raise UsageError(
            f"--pattern {quoted(pattern)} has {compiled.groups} groups: it must have one, the loss, or two, step and "
            "loss; or name them (?P<step>...) and (?P<loss>...)"
        )
    loss: int | str = "loss" if "loss" in names else compiled.groups
    step: int | str | None = "step" if "step" in names else 1 if "loss" not in names and compiled.groups == 2 else None
    found = []
    for line in lines:
        if (match := compiled.search(line)) and BARE.fullmatch((match[loss] or "").strip()):
            number = (match[step] or "").strip() if step is not None else ""
            found.append(Line(int(number) if re.fullmatch(r"\d{1,9}", number) else None, match[loss].strip()))
    return found


def _table(lines: Sequence[str]) -> list[Line]:
    """The rows of a CSV under a header that names its columns."""
    for place, line in enumerate(lines):
        mark = next((mark for mark in ",;\t" if mark in line), None)
        heads = [head.strip(" \"'").lower() for head in line.split(mark)] if mark else []
        columns = [i for i, head in enumerate(heads) if "loss" in head]
        if not columns:
            continue
        of_step = (i for i in columns if not SUMMARY.search(heads[i].partition("loss")[0]))
        column = next(of_step, columns[0])
        step = next(
            (i for i, head in enumerate(heads) if head in ("step", "steps", "iter", "iteration", "i", "epoch")), None
        )
        found = []
        for row in lines[place + 1 :]:
            cells = [cell.strip(" \"'") for cell in row.split(mark)]
            if len(cells) == len(heads) and BARE.fullmatch(cells[column]):
                number = cells[step] if step is not None else ""
                found.append(Line(int(number) if re.fullmatch(r"\d{1,9}", number) else None, cells[column]))
        return found
    return []


def placed(lines: Sequence[Line], steps: int = STEPS) -> Iterator[Losses]:
    """The losses by step, in each way in which their steps may be counted, the likelier first.

    Without numbers they are of every step, or as far apart as the `steps` that are asked for let them be.
    Raises UsageError for two losses of one step.
    """
    half_units = halves([line.text for line in lines])
    decimals = max(map(_decimals, (line.text for line in lines)))

    def made(steps: Sequence[int], base: int) -> Losses:
        values: dict[int, float] = {}
        for step, line in zip(steps, lines, strict=True):
            value = float(line.text)
            if step in values and not _same(values[step], value):
                shown = step - 1 + base
                raise UsageError(
                    f"step {shown} has two losses, {values[step]:g} and {value:g}: give the log of one run"
                )
            values[step] = value
        gaps = Counter(b - a for a, b in zip(sorted(values), sorted(values)[1:], strict=False))
        stride = gaps.most_common(1)[0][0] if gaps else 1
        return Losses(values, dict(zip(steps, half_units, strict=True)), decimals, base, stride)

    if lines[0].step is None:
        count = len(lines)
        for stride in STRIDES:
            regular = [range(first, first + count * stride, stride) for first in sorted({1, stride})]
            for at in (*regular, *([[1, *range(stride, stride * count, stride)]] if stride > 1 else [])):
                if stride == 1 or at[-1] <= steps:
                    yield made([*at], 1)
        return
    numbers = [line.step for line in lines]
    if 0 in numbers:
        bases: tuple[int, ...] = (0,)
    elif 1 in numbers:
        bases = (1,)
    else:
        bases = (0, 1) if min(numbers) % 10 == 9 else (1, 0)
    for base in bases:
        yield made([number + 1 - base for number in numbers], base)


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _decimals(text: str) -> int:
    """How many decimals the number was printed with: "3.3660" 4, "3.4e-05" 6."""
    mantissa, _, exponent = text.lower().partition("e")
    if not mantissa.lstrip("+-")[:1].isdigit() and not mantissa.lstrip("+-").startswith("."):
        return 0  # not a number, or infinite
    return max(0, len(mantissa.partition(".")[2]) - int(exponent or 0))


def _digits(text: str) -> int:
    """How many digits it was printed with, from the first that is not 0."""
    return len(text.lower().partition("e")[0].lstrip("+-").replace(".", "").lstrip("0")) or 1


def halves(texts: Sequence[str]) -> list[float]:
    """Half a unit of the last digit of each; programs may leave out zeros at the end, or print digits, not decimals."""
    decimals, digits = max(map(_decimals, texts)), max(map(_digits, texts))
    found = []
    for text in texts:
        value = abs(float(text))
        before = math.floor(math.log10(value)) + 1 if 0 < value < math.inf else 1
        found.append(0.5 * 10.0 ** -min(decimals, max(0, digits - before)))
    return found
