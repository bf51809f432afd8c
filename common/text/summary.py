"""What is in a data set, in a few lines, to read before it is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from .datasets import Dataset, Split
from .tokenizers import CharTokenizer

FEW_LINES, FEW_TOKENS = 100, 1_000  # a val loss of fewer says little


def describe(dataset: Dataset, context_length: int = 0) -> Iterator[str]:
    """Yield the lines: how much there is of what, and what may surprise; also of documents cut to a context_length."""
    same = dataset.val.text == dataset.test.text  # of two fractions
    splits = (dataset.train, dataset.val) if same else (dataset.train, dataset.val, dataset.test)
    is_list, unit = dataset.kind == "list", "lines" if dataset.kind == "list" else "tokens"
    counts = {split.name: _size(split, is_list) for split in splits}
    tokens = "characters" if isinstance(dataset.tokenizer, CharTokenizer) else "words"
    sizes = ", ".join(f"{'val = test' if same and name == 'val' else name} {n:,}" for name, n in counts.items())
    yield f"{dataset.name}: a {dataset.kind}, {dataset.tokenizer.vocab_size:,} {tokens}; {unit}: {sizes}"
    if is_list:
        yield from _of_lines(dataset.empty_lines, splits)
    if (few := counts["val"]) < (FEW_LINES if is_list else FEW_TOKENS):
        yield f"val has only {few} {unit if few > 1 else unit.removesuffix('s')}: expect noise in val_loss"
    if context_length and dataset.train.windows == "documents":
        cut = {split.name: split.sliding_windows(context_length).cut for split in splits}
        if any(cut.values()):
            counts = ", ".join(f"{name} {count:,}" for name, count in cut.items())
            yield f"documents longer than context_length {context_length}, of which the rest is not seen: {counts}"


def _size(split: Split, is_list: bool) -> int:
    return split.text.count("\n") if is_list else len(split.tokens)


def _of_lines(empty: int, splits: tuple[Split, ...]) -> Iterator[str]:
    repeated = sum(_size(split, True) - len(split.lines) for split in splits)
    several = {line for one, other in combinations(splits, 2) for line in one.lines & other.lines}
    facts = {"empty and dropped": empty, "repeated within a split": repeated, "in more than one split": len(several)}
    if any(facts.values()):
        yield "of the lines: " + ", ".join(f"{count:,} {fact}" for fact, count in facts.items() if count)
