"""Two texts beside each other, as `nnz compare` prints them."""

from hypothesis import given
from hypothesis import strategies as st

from nnz.commands.columns import MOST, WIDTH, beside, width


def halves(lines: list[str]) -> tuple[list[str], list[str]]:
    return [line[:WIDTH].rstrip() for line in lines], [line[WIDTH + 3 :] for line in lines]


def test_a_sentence_is_broken_at_spaces_and_none_of_it_is_lost() -> None:
    text = " ".join(f"word{i}" for i in range(30))
    left, right = halves(beside(text, text))
    assert " ".join(right) == " ".join(left) == text
    assert 1 < len(right) <= MOST


def test_the_left_text_is_cut_to_the_height_of_the_right_one() -> None:
    assert beside("x" * 100, "anna") == ["x" * (WIDTH - 1) + "… | anna"]
    left, right = halves(beside("a b " * 100, "c d " * 12))
    assert len(left) == 2
    assert left[1].endswith("…")
    assert right[1].endswith("c d")


def test_a_right_text_too_high_ends_in_a_sign_too() -> None:
    left, right = halves(beside("", "y" * 1000))
    assert left == [""] * MOST
    assert [len(line) for line in right] == [WIDTH] * MOST
    assert right[-1].endswith("y…")


def test_a_wide_character_takes_two_cells() -> None:
    assert beside("漢" * 10, "a") == ["漢" * 10 + " " * (WIDTH - 20) + " | a"]
    left = beside("漢" * 40, "a")[0].split(" | ")[0]
    assert width(left) in (WIDTH, WIDTH - 1)


@given(st.text(), st.text())
def test_no_text_breaks_the_columns(left, right) -> None:
    lines = beside(left, right)
    assert 1 <= len(lines) <= MOST
    for line in lines:
        assert " |" in line
        assert "\n" not in line
        assert width(line.rpartition(" | ")[0]) <= WIDTH or "|" in left + right
