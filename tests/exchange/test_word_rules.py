"""tokenizer.json of a model of words: the tokenizers of Hugging Face make the same ids and texts of it as nnz."""

import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from nnz.exchange import tokenizer_files
from nnz.text.datasets import load_dataset
from nnz.text.tokenizers import WordTokenizer
from nnz.text.word_splitting import LINE_END, PARAGRAPH

ODD = (
    "Don’t go, he said: “'Tis CAFE\u0301-owner’s” — the lords’ ''em'' \"so\" ' she 'said'.",
    "Well\u2010known\u2011to, a\u2010 \u2010b \u2011'c.\n \n--a---b-- -c -'d --'e (--) a–b a—'b a/b /'c",
    "1,000.5 3.14,x x.14 10:30 1.x ½ Ⅷ 1.'2 $5 5% #1 ٣.٤ 1.. 2. .3 x. . . y....z .  ..",
    "[x] {'y} «'z» ¿qué? ¡sí! é e\u0301 \u0301a a\u2060b a\U0001d165b 😀👍🏽 \x1c\x85\xa0x\u200by _x_",
    "我用 Python 3.11 写。 「東京タワー」へ、你好！ สวัสดี ก่’a aั’b 나는 학교에 간다. हिन्दी क्\u200dष",
    "ΟΔΟΣ Σ ΣΑΣ. ΑΣʰΣ ΑΣʰ ʰΣ Σ.Α İI ǅ",
    "<unk> <UNK>s ''<unk>'' <unk <unk>’s",
    "one\ntwo\r\n\x1c \n\nthree\n\n\n\n'four'\n",
)
NASTY = st.sampled_from(["<unk>", ". .", "\n\n", *"aÉΣ1٣½.,:'’‘“\"-\u2010‑—/([ _\n\r\x1c\u2060\u0301\u200dก่你。ʰ😀"])


def theirs(tokenizer):
    return Tokenizer.from_str(json.dumps(tokenizer_files.of(tokenizer, 9)["tokenizer.json"]))


def assert_same(tokenizer, text, others=()):
    reader, ids = theirs(tokenizer), tokenizer.encode(text).tolist()
    found = reader.encode(text)
    assert found.tokens == [tokenizer.words[i] for i in (tokenizer.start, *ids)]
    assert found.ids == [tokenizer.start, *ids]
    for order in (ids, ids[::-1], *others):
        whole = [tokenizer.start, *order]
        assert reader.decode(whole) == tokenizer.decode(whole)
        assert reader.decode(order) == "".join(tokenizer.pieces(order, "after a word"))


@pytest.mark.parametrize("end", [PARAGRAPH, LINE_END])
@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_texts_have_the_same_ids_and_come_back_the_same(text, end):
    tokenizer = WordTokenizer(re.sub(r"\s*\n\s*", end, f"x\n{text}\nx"))
    assert tokenizer.words[tokenizer.start] == end
    assert_same(tokenizer, text)


@given(st.lists(NASTY, max_size=14).map("".join), st.sampled_from(["x", "x\n\ny"]), st.data())
def test_no_text_has_other_ids_and_no_ids_another_text(nasty, known, data):
    tokenizer = WordTokenizer(nasty + known)
    order = data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1), max_size=9))
    assert_same(tokenizer, nasty + known, [order])


def test_an_unknown_word_is_unk_and_an_error_where_there_is_none():
    few, all_known = WordTokenizer("a a, b", min_count=2), WordTokenizer("a a, b")
    assert_same(few, "a, b “c”")
    assert theirs(few).encode("c").tokens == ["\n", "<unk>"]
    with pytest.raises(Exception, match="Missing"):
        theirs(all_known).encode("c")


@pytest.mark.slow
@pytest.mark.skipif("NNZ_DATA_HOME" not in os.environ, reason="NNZ_DATA_HOME is unset: it names the folder of texts")
@pytest.mark.parametrize("min_count", [1, 3])
def test_shakespeare_has_the_same_ids_and_comes_back_the_same(min_count):
    data = load_dataset("tinyshakespeare", split="position", tokenizer="word", min_count=min_count)
    assert_same(data.tokenizer, data.train.text + data.val.text + data.test.text)
