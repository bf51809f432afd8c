"""The text side of a folder of Hugging Face transformers: tokenizer.json, as AutoTokenizer loads it, and GPT-2's files.

Written for characters, words and byte pairs, and read where it has characters or byte pairs. nnz-tokenizer.json says
the same in nnz's own words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..files import inputs, tensor_file
from ..files.errors import quoted
from ..text import tokenizers
from ..text.byte_pairs import BytePairTokenizer
from ..text.token_ids import TokenIds
from ..text.tokenizers import CharTokenizer, Tokenizer, WordTokenizer
from ..text.word_splitting import UNKNOWN
from . import word_rules

OWN, THEIRS, SETTINGS = "nnz-tokenizer.json", "tokenizer.json", "tokenizer_config.json"
VOCABULARY, MERGES = "vocab.json", "merges.txt"  # GPT-2's first form
EACH_CHARACTER = {"type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
PLAIN = {  # what a BPE's model must not ask for: values other than these change the tokens
    "dropout": None,
    "unk_token": None,
    "continuing_subword_prefix": "",
    "end_of_word_suffix": "",
    "byte_fallback": False,
    "ignore_merges": False,
}


def of(tokenizer: Tokenizer, context_length: int) -> dict[str, Any]:
    """The files that say what the tokenizer does, and their contents; of token ids only nnz's own."""
    files: dict[str, Any] = {OWN: tokenizer.to_config()}
    if isinstance(tokenizer, CharTokenizer | WordTokenizer):
        tokens = tokenizer.characters if isinstance(tokenizer, CharTokenizer) else tokenizer.words
        first = tokens[tokenizer.start]
        parts = {"pre_tokenizer": EACH_CHARACTER, "decoder": {"type": "Fuse"}}
        if isinstance(tokenizer, WordTokenizer):
            parts = word_rules.parts(first)
        vocabulary = {token: i for i, token in enumerate(tokens)}
        model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": UNKNOWN}  # where it is not in it: an error
        files[THEIRS] = _whole(model, [], **parts, post_processor=_after(first, tokenizer.start))
    elif isinstance(tokenizer, BytePairTokenizer):
        ids = {token: i for i, token in enumerate(tokenizer.tokens) if token}
        model = {"type": "BPE", "vocab": ids, "merges": [merge.split(" ") for merge in tokenizer.merges]} | PLAIN
        special = [_added(token, ids[token]) for token in tokenizer.special]
        files[THEIRS] = _whole(model, special, pre_tokenizer=BYTES, post_processor=None, decoder=BYTES)
    if THEIRS in files:
        settings = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
        files[SETTINGS] = settings | {"model_max_length": context_length}
    return files


def read(folder: Path, config: dict[str, Any], vocab_size: int) -> tuple[Tokenizer, str]:
    """Return the tokenizer of a folder with that config.json; token ids, and the reason, where it is of another kind.

    Raises OSError; ValueError for a file that is not whole, or of another vocabulary than the model's.
    """
    end = config.get("eos_token_id")
    end = end if isinstance(end, int) and 0 <= end < vocab_size else None
    tokenizer, reason, path = None, f"{folder} has no {THEIRS} and no {VOCABULARY}", folder / THEIRS
    try:
        if path.exists():
            tokenizer, reason = _from_theirs(read_object(path), vocab_size, end)
        elif (folder / VOCABULARY).exists() and (folder / MERGES).exists():
            path = folder / VOCABULARY
            tokenizer, reason = _from_first_form(folder, vocab_size, end), ""
        if (folder / OWN).exists():  # read last, so that the others were found whole
            path = folder / OWN
            tokenizer, reason = _own(read_object(path)), ""
    except _Broken as error:
        raise ValueError(f"{path} is not as it should be: {error}; take a whole folder") from error
    if tokenizer is None:
        return TokenIds(vocab_size, end), reason
    if tokenizer.vocab_size != vocab_size:
        raise ValueError(f"{path} has {tokenizer.vocab_size} tokens, the model {vocab_size}; take its own")
    return tokenizer, ""


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises OSError, ValueError that names the file."""
    text = inputs.read_bytes(path, inputs.JSON)
    try:
        tensor_file.check_parts(text, len(text))
        return inputs.parse_json(text, dict[str, Any])
    except ValueError as error:
        raise ValueError(f"{path} is not as it should be: {error}; take a whole folder") from error


class _Broken(ValueError):
    """What is wrong with a file, without its name."""


def _whole(model: dict[str, Any], added: list[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    head = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None}
    return {**head, **parts, "model": model}


def _after(first: str, id: int) -> dict[str, Any]:
    """Every text begins with that token, as nnz's samples do."""
    begin, text = {"SpecialToken": {"id": first, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    known = {first: {"id": first, "ids": [id], "tokens": [first]}}
    pair = [begin, text, {"Sequence": {"id": "B", "type_id": 0}}]
    return {"type": "TemplateProcessing", "single": [begin, text], "pair": pair, "special_tokens": known}


def _added(token: str, id: int) -> dict[str, Any]:
    switches = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": id, "content": token, **switches, "special": True}


def _own(config: dict[str, Any]) -> Tokenizer:
    try:
        return tokenizers.from_config(config)
    except ValueError as error:
        raise _Broken(str(error)) from error


def _from_theirs(found: dict[str, Any], V: int, end: int | None) -> tuple[Tokenizer | None, str]:
    """The tokenizer in a tokenizer.json; or None, and why nnz has none such."""
    model, added = found.get("model"), found.get("added_tokens") or []
    if not isinstance(model, dict) or not isinstance(added, list):
        raise _Broken("it has no model, or its added_tokens are not a list")
    cuts = found.get("pre_tokenizer") or {}
    kind = model.get("type", "BPE" if "merges" in model else None)
    if found.get("normalizer") is not None or not isinstance(cuts, dict):
        return None, f"{THEIRS} normalizes texts"
    if kind == "WordLevel" and cuts == EACH_CHARACTER and not added:
        characters = _by_id(_vocabulary(model.get("vocab")), V)
        text = "".join(characters)
        if sorted(text) != characters:
            return None, f"{THEIRS} has a vocabulary that is not one of sorted characters"
        tokenizer = CharTokenizer(text, ends=end is not None)
        if tokenizer.delimiter != end:
            return None, f"{THEIRS} has characters, but {quoted(characters[end])} ends a text, and not a newline"
        return tokenizer, ""
    as_gpt2 = cuts.get("type") == "ByteLevel" and not cuts.get("add_prefix_space", True) and cuts.get("use_regex", True)
    if kind != "BPE" or not as_gpt2:
        return None, f"{THEIRS} has a model of kind {quoted(kind)} and cuts texts as {quoted(cuts.get('type'))}"
    if strange := next((name for name, usual in PLAIN.items() if (model.get(name) or usual) != usual), None):
        return None, f"{THEIRS} has {strange} = {quoted(model[strange])}"
    return _byte_pairs(model.get("vocab"), model.get("merges"), _special(added), V, end), ""


def _from_first_form(folder: Path, V: int, end: int | None) -> Tokenizer:
    lines = inputs.read_bytes(folder / MERGES, inputs.JSON).decode("utf-8", "replace").splitlines()
    merges = [line for line in lines if line and not line.startswith("#version")]
    vocabulary = read_object(folder / VOCABULARY)
    ends = {token: i for token, i in vocabulary.items() if i == end}
    return _byte_pairs(vocabulary, merges, ends, V, end)


def _special(added: list[Any]) -> dict[str, int]:
    try:
        return _vocabulary({token["content"]: token["id"] for token in added})
    except (TypeError, KeyError):
        raise _Broken("its added_tokens have no content and id") from None


def _byte_pairs(vocabulary: Any, merges: Any, special: dict[str, int], V: int, end: int | None) -> Tokenizer:
    pairs = [" ".join(merge) if _is_pair(merge) else merge for merge in merges] if isinstance(merges, list) else [None]
    if not all(isinstance(merge, str) for merge in pairs):
        raise _Broken("its merges are not a list of pairs")
    tokens = _by_id(_vocabulary(vocabulary) | special, V)
    try:
        return BytePairTokenizer(tokens, pairs, list(special), end)
    except ValueError as error:
        raise _Broken(str(error)) from error


def _is_pair(merge: Any) -> bool:
    return isinstance(merge, list) and len(merge) == 2 and all(isinstance(part, str) for part in merge)


def _vocabulary(found: Any) -> dict[str, int]:
    if not isinstance(found, dict) or not all(type(i) is int and isinstance(token, str) for token, i in found.items()):
        raise _Broken("its vocabulary does not give each token an id")
    return found


def _by_id(vocabulary: dict[str, int], V: int) -> list[str]:
    """The token of each id 0 .. V-1, "" where there is none. Raises _Broken for an id that the model does not have."""
    tokens = [""] * V
    for token, i in vocabulary.items():
        if not 0 <= i < V:
            raise _Broken(f"its token {quoted(token)} has the id {i}, and the model has {V}")
        if tokens[i]:
            raise _Broken(f"its tokens {quoted(tokens[i])} and {quoted(token)} have the same id {i}")
        tokens[i] = token
    return tokens
