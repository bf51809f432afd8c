"""Characters to ids and back."""

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnz.text.tokenizers import CharTokenizer, from_config


def test_ids_are_the_places_among_the_sorted_characters() -> None:
    tokenizer = CharTokenizer("banana\n")
    assert tokenizer.vocab_size == 4
    ids = tokenizer.encode("nab\n")
    assert ids.dtype == np.int32
    assert ids.tolist() == [3, 1, 2, 0]
    assert tokenizer.decode(ids) == "nab\n"


@given(st.text(min_size=1))
def test_decoding_gives_back_any_text(text: str) -> None:
    tokenizer = CharTokenizer(text)
    ids = tokenizer.encode(text)
    assert tokenizer.vocab_size == len(set(text))
    assert ids.tolist() == [sorted(set(text)).index(character) for character in text]
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode(ids.tolist()) == text


def test_accents_chinese_and_emoji_are_single_tokens() -> None:
    text = "é漢😀e\u0301"
    assert len(CharTokenizer(text).encode(text)) == 5


def test_the_delimiter_is_the_newline_of_a_list_and_nothing_ends_a_running_text() -> None:
    assert (CharTokenizer("ab\n\t").delimiter, CharTokenizer("ab\n\t").start) == (1, 1)
    assert (CharTokenizer("ab\n\t", ends=False).delimiter, CharTokenizer("ab\n\t", ends=False).start) == (None, 1)
    assert (CharTokenizer("ab").delimiter, CharTokenizer("ab").start) == (None, 0)


@pytest.mark.parametrize(("known", "prompt"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_prompt_in_another_unicode_form_is_told_which_one_to_take(known: str, prompt: str) -> None:
    tokenizer = CharTokenizer(unicodedata.normalize(known, "crème brûlée"))
    with pytest.raises(ValueError, match=f"give it in {known}"):
        tokenizer.refuse_unknown(unicodedata.normalize(prompt, "brûlée"))
    with pytest.raises(ValueError, match="is not among"):
        tokenizer.refuse_unknown("brûlée?")
    tokenizer.refuse_unknown(unicodedata.normalize(known, "brûlée"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abé", r"'é' \(U\+00E9\) at position 2"),
        ("😀", r"'😀' \(U\+1F600\) at position 0"),
        ("ab\nab", r"character U\+000A at position 2"),
        ("a\u2028", r"character U\+2028 at position 1"),
        ("b\udc80", r"character U\+DC80 at position 1"),
        ("aéb😀", r"'é' \(U\+00E9\) at position 1"),
    ],
)
def test_an_unknown_character_is_named_with_its_place_on_one_line(text: str, shown: str) -> None:
    with pytest.raises(ValueError, match=shown) as caught:
        CharTokenizer("abx").encode(text)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("ids", [[0, 3], [-1], [2**31]])
def test_ids_outside_the_vocabulary_are_refused_by_value(ids: list[int]) -> None:
    with pytest.raises(ValueError, match=f"token id {ids[-1]} .* 0 to 2"):
        CharTokenizer("abc").decode(ids)


def test_ids_that_are_no_integers_are_refused() -> None:
    with pytest.raises(TypeError, match="float64"):
        CharTokenizer("abc").decode([0.0, 1.0])


def test_nothing_encodes_to_nothing_but_makes_no_vocabulary() -> None:
    tokenizer = CharTokenizer("a")
    assert tokenizer.encode("").tolist() == []
    assert tokenizer.decode([]) == ""
    with pytest.raises(ValueError, match="empty"):
        CharTokenizer("")


def test_a_config_goes_through_json_and_comes_back_the_same() -> None:
    tokenizer = CharTokenizer("zoé😀\n")
    again = from_config(json.loads(json.dumps(tokenizer.to_config())))
    assert again.characters == tokenizer.characters
    assert again.encode("zoé").tolist() == tokenizer.encode("zoé").tolist()


@pytest.mark.parametrize("config", [{"kind": "word", "characters": "ab"}, {}, {"kind": "char"}])
def test_a_config_of_another_kind_is_refused(config: dict) -> None:
    with pytest.raises(ValueError, match=r"kind .* cannot be read"):
        from_config(config)
