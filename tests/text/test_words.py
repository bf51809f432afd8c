"""Running text to ids of words and marks, and back."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnz import RNG
from nnz.recipes.recipe import loads
from nnz.runs import sampling
from nnz.text import tokenizers
from nnz.text.datasets import load_dataset
from nnz.text.tokenizers import WordTokenizer, from_config, same_vocabulary

WORDS = st.lists(
    st.sampled_from(["i", "don't", "well-known", "été", "हिन्दी", "3,000.5", "you"]), min_size=1, max_size=6
)
CLOSED = st.sampled_from(
    ["{}.", "{}!", "{}...", '"{}," he said.', "({});", "‘{}’", "“{}”?", "so--{}:", "'tis {}", "${} / £5"]
)
SENTENCES = st.builds(lambda shape, words: shape.format(" ".join(words)), CLOSED, WORDS)
PARAGRAPHS = st.lists(st.lists(SENTENCES, min_size=1, max_size=3), min_size=1, max_size=3)


def spelled(tokenizer: WordTokenizer, text: str) -> list[str]:
    return [tokenizer.words[i] for i in tokenizer.encode(text)]


@given(PARAGRAPHS)
def test_well_written_text_comes_back_with_its_own_spacing(paragraphs) -> None:
    text = "\n\n".join(" ".join(sentences) for sentences in paragraphs).replace(" / ", "/")
    tokenizer = WordTokenizer(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(st.text(min_size=1).filter(str.strip))
def test_any_text_is_encoded_and_each_piece_is_part_of_the_whole(text) -> None:
    if not text.replace("\u2060", "").strip():
        return
    tokenizer = WordTokenizer(text)
    ids = tokenizer.encode(text)
    assert ids.dtype == np.int32
    assert sorted(set(ids.tolist()) | {tokenizer.delimiter}) == list(range(tokenizer.vocab_size))
    assert "".join(tokenizer.pieces(ids.tolist())) == tokenizer.decode(ids)


def test_words_are_lower_cased_and_keep_inner_apostrophes_and_hyphens() -> None:
    text = "Don’t go, CAFE\u0301-owner: the lords' 'tis."
    marks = [",", ":", "'", "'\u2060", "."]
    assert spelled(WordTokenizer(text), text) == [
        *("don't", "go", marks[0], "café-owner", marks[1], "the", "lords"),
        *(marks[2], marks[3], "tis", marks[4]),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("你好，世界。你好！", ["你", "好", "，", "世", "界", "。", "你", "好", "！"]),
        ("「東京タワー」へ", ["「", "東", "京", "タ", "ワ", "ー", "」", "へ"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
    ],
)
def test_a_script_without_spaces_is_cut_by_characters_and_comes_back_without_spaces(text, words) -> None:
    tokenizer = WordTokenizer(text)
    assert spelled(tokenizer, text) == words
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_beside_words_of_other_scripts_and_in_korean_spaces_stay() -> None:
    text = "我用 python 3.11 写。 나는 학교에 간다."
    tokenizer = WordTokenizer(text)
    assert spelled(tokenizer, text)[:5] == ["我", "用", "python", "3.11", "写"]
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_ids_go_by_count_then_by_the_alphabet() -> None:
    assert WordTokenizer("b a c, c a c").words == ["c", "a", ",", "b", "\n"]


def test_a_blank_line_ends_a_sample_and_where_there_is_none_each_line_does() -> None:
    book, lines = WordTokenizer("one\ntwo\n \n\nthree\n"), WordTokenizer("one\ntwo\n\n")
    assert spelled(book, "one\ntwo\n\nthree") == ["one", "two", "\n\n", "three"]
    assert spelled(lines, "one\ntwo") == ["one", "\n", "two"]
    assert (book.words[book.delimiter], lines.words[lines.delimiter]) == ("\n\n", "\n")


def test_rare_words_become_the_unknown_one_in_a_text_but_not_in_a_prompt() -> None:
    tokenizer = WordTokenizer("the cat and the cat and a dog", min_count=2)
    assert tokenizer.words == ["<unk>", "and", "cat", "the", "\n"]
    assert tokenizer.decode(tokenizer.encode("the dog and the zebra")) == "the <unk> and the <unk>"
    with pytest.raises(ValueError, match="'dog'"):
        tokenizer.refuse_unknown("the dog")
    tokenizer.refuse_unknown("The CAT")


def test_a_word_not_known_is_named_with_its_nearest_neighbours_on_one_line() -> None:
    with pytest.raises(ValueError, match=r"word 'harr' .* nearest are 'harry', 'hair'") as caught:
        WordTokenizer("harry cut his hair").encode("Harry and harr".replace("and ", ""))
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ValueError, match="none of them comes near"):
        WordTokenizer("harry").encode("你好")


def test_pieces_take_their_first_space_from_what_stands_before() -> None:
    tokenizer = WordTokenizer('the cat, the "dog"')
    ids = tokenizer.encode("cat,").tolist()
    assert ["".join(tokenizer.pieces(ids, after)) for after in ("", "The", "The ", 'the "')] == [
        *("cat,", " cat,", "cat,", " cat,"),
    ]


def test_a_config_goes_through_json_and_comes_back_the_same() -> None:
    tokenizer = WordTokenizer('He said: "zoé 😀" and\n\nleft', min_count=1)
    again = from_config(json.loads(json.dumps(tokenizer.to_config())))
    assert again.to_config() == tokenizer.to_config()
    assert again.encode('"zoé"').tolist() == tokenizer.encode('"zoé"').tolist()


@pytest.mark.parametrize("words", [None, [], ["a"], ["a", "a", "\n"], ["a", 3, "\n"], ["a", "\n", "\n\n"]])
def test_a_config_that_is_no_vocabulary_is_refused(words) -> None:
    with pytest.raises(ValueError, match="words"):
        from_config({"kind": "word", "words": words, "min_count": 1})


@pytest.mark.parametrize("text", ["", " \n\n ", "one two"])
def test_a_text_without_a_word_that_comes_often_enough_makes_no_vocabulary(text) -> None:
    with pytest.raises(ValueError, match="no word"):
        WordTokenizer(text, min_count=2)


def test_ids_outside_the_vocabulary_are_refused_by_value() -> None:
    with pytest.raises(ValueError, match="token id 9"):
        WordTokenizer("a b").decode([9])


def test_a_file_split_by_position_parts_no_word_and_loses_none(tmp_path) -> None:
    text = "Some words, here.\n\nAnd more of them: there!\n\n" * 40
    (tmp_path / "book.txt").write_text(text)
    for shares in ((0.9, 0.05, 0.05), (0.51, 0.27, 0.22), (0.333, 0.333, 0.334)):
        data = load_dataset(tmp_path / "book.txt", split="position", fractions=shares, tokenizer="word")
        parts = (data.train, data.val, data.test)
        assert "".join(part.text for part in parts) == text
        whole = data.tokenizer.encode(text).tolist()
        assert [i for part in parts for i in part.tokens.tolist()] == whole
        assert data.tokenizer.vocab_size == 13


def test_a_folder_whose_val_has_words_that_train_has_not_is_read_and_unknown_is_never_drawn(tmp_path) -> None:
    for name, text in {"train": "the cat sat. the cat ran.", "val": "the dog sat.", "test": "the cat"}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    for min_count in (1, 2):
        data = load_dataset(tmp_path, tokenizer="word", min_count=min_count)
        assert spelled(data.tokenizer, "dog") == ["<unk>"]
        recipe = loads('[data]\ntokenizer = "word"\n[model]\ncontext_length = 1\n', "words")
        table = np.zeros((1, data.tokenizer.vocab_size))
        table[:, data.tokenizer.unknown] = 9
        for allowed in (False, True):
            sampler = sampling.of_recipe(lambda _, t=table: (t, None), data.tokenizer, recipe, allow_unknown=allowed)
            drawn = list(sampler.sample(RNG(1), tokens=50))
            assert (data.tokenizer.unknown in drawn) is allowed


def test_a_folder_without_unknown_words_has_no_token_for_them(tmp_path) -> None:
    for name, text in {"train": "the cat sat.", "val": "the cat", "test": "cat sat"}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    assert load_dataset(tmp_path, tokenizer="word").tokenizer.unknown is None


DROPPED = r"^word 'dog' occurs fewer than 2 times \(data.min_count\) in the text of the model: it is not among .*"
SMALLER, HOLDS = (
    "take another, or train with a smaller data.min_count",
    "take another, or train on a text that holds it",
)


@pytest.mark.parametrize("config", [lambda t: t, lambda t: from_config(json.loads(json.dumps(t.to_config())))])
def test_a_word_dropped_for_min_count_is_told_from_one_that_never_was(config) -> None:
    tokenizer = config(WordTokenizer("a cat, a cat, a dog", 2))
    with pytest.raises(ValueError, match=f"{DROPPED}: {SMALLER}$"):
        tokenizer.refuse_unknown("dog")
    with pytest.raises(ValueError, match=rf"^word 'zebra' is not among the 5 of the vocabulary, .*: {HOLDS}$"):
        tokenizer.refuse_unknown("zebra")


def test_a_model_from_before_does_not_know_which_words_were_dropped() -> None:
    config = WordTokenizer("a cat, a cat, a dog", 2).to_config()
    del config["rare"]
    with pytest.raises(
        ValueError, match=r"'zebra' occurs fewer than 2 times \(data.min_count\), or never, in the text"
    ):
        from_config(config).refuse_unknown("zebra")
    assert same_vocabulary(from_config(config), WordTokenizer("a cat, a cat, a dog", 2))


def test_very_many_dropped_words_are_not_kept(monkeypatch) -> None:
    monkeypatch.setattr(tokenizers, "MOST_RARE", 6)
    assert WordTokenizer("a a dog", 2).rare == {"dog"}
    assert "rare" not in WordTokenizer("a a dog cat", 2).to_config()


@pytest.mark.parametrize("rare", [3, ["dog"], "cat", "dog cat"])
def test_dropped_words_that_are_no_text_or_in_the_vocabulary_are_refused(rare) -> None:
    with pytest.raises(ValueError, match="its rare words are not"):
        from_config({"kind": "word", "words": ["cat", "\n"], "min_count": 2, "rare": rare})
