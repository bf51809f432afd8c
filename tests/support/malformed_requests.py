"""Requests that must be refused: files that are not whole, and whole ones that make no sense."""

from collections.abc import Iterator

import numpy as np

NOTES = {"format": "nnz-request-1", "function": "embedding_forward", "dtype": "float64", "nonce": 'a"\\é√😀\n'}
WTE, IDS = np.arange(6.0).reshape(3, 2), np.array([[1, 2], [0, 1]], np.int32)


def framed(header: str | bytes, data: bytes = b"") -> bytes:
    header = header.encode() if isinstance(header, str) else header
    return len(header).to_bytes(8, "little") + header + data


def malformed(whole: bytes) -> Iterator[bytes]:
    """Every truncation, and every byte of the header changed in several ways."""
    yield from (whole[:end] for end in range(len(whole)))
    yield whole + b"\0"
    for place in range(8 + int.from_bytes(whole[:8], "little")):
        for byte in {whole[place] ^ 0xFF, whole[place] ^ 1, whole[place] ^ 0x20, ord("0"), ord('"')} - {whole[place]}:
            yield whole[:place] + bytes([byte]) + whole[place + 1 :]


ENTRY = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
BROKEN = {
    "nothing": (b"", "shorter than 8 bytes"),
    "a length beyond the file": ((2**63).to_bytes(8, "little") + b"{}", "longer than the file"),
    "no object": (framed("[]"), "no '{'"),
    "white space first": (framed(" {}"), "no '{'"),
    "a zero byte after it": (framed(b"{}\0"), "something follows"),
    "two of a name": (framed(f'{{"x":{ENTRY},"x":{ENTRY}}}', bytes(8)), "two arrays are called x"),
    "the same name, escaped": (framed(f'{{"x":{ENTRY},"\\u0078":{ENTRY}}}', bytes(8)), "two arrays are called x"),
    "two of a key": (framed('{"__metadata__":{"a":"1","a":"2"}}'), "two values for a"),
    "two metadata": (framed('{"__metadata__":{},"__metadata__":{}}'), "a second __metadata__"),
    "metadata that is no text": (framed('{"__metadata__":{"a":1}}'), "'\"' is missing"),
    "a shared byte": (
        framed(f'{{"x":{ENTRY},"y":{ENTRY.replace("[0,8]", "[7,15]")}}}', bytes(15)),
        "missing or shared before y",
    ),
    "a byte of nobody": (
        framed(f'{{"x":{ENTRY},"y":{ENTRY.replace("[0,8]", "[9,17]")}}}', bytes(17)),
        "missing or shared before y",
    ),
    "bytes at the end": (framed(f'{{"x":{ENTRY}}}', bytes(9)), "bytes are left over"),
    "a file cut short": (framed(f'{{"x":{ENTRY}}}', bytes(7)), "it ends too early"),
    "an end before its begin": (framed('{"x":' + ENTRY.replace("[0,8]", "[0,-8]") + "}", bytes(8)), "no whole number"),
    "a shape that is too large": (
        framed('{"x":' + ENTRY.replace("[2]", "[4294967296,4294967296]") + "}", bytes(8)),
        "contradict each other in x",
    ),
    "a shape that overflows to the right size": (
        framed('{"x":' + ENTRY.replace("[2]", "[4611686018427387906]") + "}", bytes(8)),
        "contradict each other in x",
    ),
    "a number of 21 digits": (framed('{"x":' + ENTRY.replace("[2]", "[100000000000000000000]") + "}"), "too large"),
    "a leading zero": (framed('{"x":' + ENTRY.replace("[2]", "[02]") + "}", bytes(8)), "no whole number"),
    "a fraction": (framed('{"x":' + ENTRY.replace("[2]", "[2.0]") + "}", bytes(8)), "']' is missing"),
    "nine axes": (framed('{"x":' + ENTRY.replace("[2]", "[2,1,1,1,1,1,1,1,1]") + "}", bytes(8)), "too long a list"),
    "another dtype": (framed('{"x":' + ENTRY.replace("F32", "BF16") + "}", bytes(8)), "a dtype that is not"),
    "an unknown key": (framed('{"x":' + ENTRY.replace("shape", "shap") + "}", bytes(8)), "an unknown key"),
    "a key twice": (framed('{"x":' + ENTRY.replace('"shape"', '"dtype"') + "}", bytes(8)), "one that came before"),
    "a key too few": (framed('{"x":{"dtype":"F32","shape":[2]}}', bytes(8)), "without its dtype, shape or place"),
    "no header at all": (framed(b""), "no '{'"),
    "a header that ends in an array": (framed('{"x":{"dtype"'), "':' is missing"),
    "a header that ends in a number": (framed('{"x":{"shape":[2'), "']' is missing"),
    "an end below its begin": (framed('{"x":' + ENTRY.replace("[0,8]", "[8,0]") + "}", bytes(8)), "before x"),
    "the end of another below its begin": (
        framed(f'{{"x":{ENTRY},"y":{ENTRY.replace("[0,8]", "[8,0]")}}}', bytes(8)),
        "contradict each other in y",
    ),
    "a place of one number": (framed('{"x":' + ENTRY.replace("[0,8]", "[0]") + "}"), "a place without begin and end"),
    "a place of none": (framed('{"x":' + ENTRY.replace("[0,8]", "[]") + "}"), "a place without begin and end"),
    "an escape that is cut off": (framed('{"\\'), "a bad escape"),
    "a number in hexadecimal that is cut off": (framed('{"\\u00'), "a bad \\u escape"),
    "a zero byte in hexadecimal": (framed(b'{"\\u00\0'), "a bad \\u escape"),
    "half a surrogate that is cut off": (framed('{"\\ud800'), "half a character"),
    "a surrogate and a letter": (framed('{"\\ud800\\u0041":' + ENTRY + "}", bytes(8)), "half a character"),
    "the wrong half first": (framed('{"\\udc00\\udc00":' + ENTRY + "}", bytes(8)), "half a character"),
    "an overlong form": (framed(b'{"\xe0\x80\x80":' + ENTRY.encode() + b"}", bytes(8)), "not UTF-8"),
    "a character beyond the last": (framed(b'{"\xf4\x90\x80\x80":' + ENTRY.encode() + b"}", bytes(8)), "not UTF-8"),
    "a lead byte of five": (framed(b'{"\xf8\x88\x80\x80\x80":' + ENTRY.encode() + b"}", bytes(8)), "not UTF-8"),
    "half a surrogate": (framed('{"\\ud800":' + ENTRY + "}", bytes(8)), "half a character"),
    "a zero character": (framed('{"a\\u0000b":' + ENTRY + "}", bytes(8)), "a zero character"),
    "a bare control character": (framed('{"a\nb":' + ENTRY + "}", bytes(8)), "a control character"),
    "bytes that are no UTF-8": (framed(b'{"\xff":' + ENTRY.encode() + b"}", bytes(8)), "not UTF-8"),
    "a string without an end": (framed('{"abc'), "has no end"),
    "a name that would break the line": (framed('{"a\\nb":' + ENTRY + "}", bytes(9)), "left over"),
}


def changed(arrays: dict | None = None, **notes: str) -> tuple[dict, dict]:
    return {"wte": WTE, "ids": IDS, **(arrays or {})}, {**NOTES, **notes}


SIZES = dict.fromkeys("VTEH", "2")


def asked(function: str, arrays: dict, **notes: str) -> tuple[dict, dict]:
    return arrays, {**NOTES, "function": function, **notes}


def adamw(t: str) -> tuple[dict, dict]:
    return asked("adamw_step", dict.fromkeys("pmvg", WTE), t=t, **dict.fromkeys(STEP_SETTINGS, "0.5"))


STEP_SETTINGS = ("lr", "beta1", "beta2", "eps", "weight_decay")
MODEL = {
    "context": np.zeros(2, np.int32),
    "wte": WTE,
    **{"fc1.weight": np.ones((1, 4)), "fc1.bias": np.ones(1), "fc2.weight": np.ones((3, 1)), "fc2.bias": np.ones(3)},
}
CHANNELS = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), WTE[0])

UNFIT = {
    "an array of another size": (asked("tanh_backward", {"dy": WTE, "y": WTE[:2]}), "does not have the shape of"),
    "an array of another rank": (asked("tanh_backward", {"dy": WTE, "y": WTE[0]}), "does not have the shape of"),
    "a temperature below 0": (asked("sampling", MODEL, temperature="-1"), "temperature = -1 is below 0"),
    "a batch of one to train on": (
        asked("batch_norm_forward", {"x": WTE[:1], **CHANNELS}, training="1", momentum="0.1", eps="0.1"),
        "x has one row",
    ),
    "a number that is not there": (asked("sgd_step", {"p": WTE, "g": WTE}, lr=""), "lr =  is not a number"),
    "a number that is not finite": (asked("sgd_step", {"p": WTE, "g": WTE}, lr="nan"), "lr = nan is not a number"),
    "an integer that is not there": (adamw(""), "t =  is not an integer from 1"),
    "an integer with a tail": (adamw("1x"), "t = 1x is not an integer from 1"),
    "an integer of 20 digits": (adamw("9" * 20), f"t = {'9' * 20} is not an integer from 1"),
    "a step before the first": (adamw("0"), "t = 0 is not an integer from 1"),
    "a seed of 0": (asked("initial_weights", {}, seed="0", **SIZES), "seed = 0 is not an integer from 1"),
    "a seed that is text": (asked("initial_weights", {}, seed="x", **SIZES), "seed = x is not an integer from 1"),
    "a seed below 0": (asked("initial_weights", {}, seed="-1", **SIZES), "seed = -1 is not an integer from 1"),
    "a seed with a tail": (asked("initial_weights", {}, seed="1x", **SIZES), "seed = 1x is not an integer from 1"),
    "a seed of 65 bits": (asked("initial_weights", {}, seed=str(2**64), **SIZES), "is not an integer from 1"),
    "an id too large": (changed({"ids": IDS + 1}), "ids holds 3; token ids run from 0 to 2"),
    "a negative id": (changed({"ids": IDS - 1}), "ids holds -1"),
    "ids of another type": (changed({"ids": IDS.astype(np.int64)}), "ids is int64; it must be int32"),
    "an array of the other precision": (changed({"wte": WTE.astype(np.float32)}), "float32; it must be float64"),
    "an axis too many": (changed({"wte": WTE[None]}), "wte has 3 axes"),
    "an empty array": (changed({"wte": WTE[:0]}), "wte has a size of 0"),
    "an unknown function": (changed(function="gelu_forward"), "there is no function gelu_forward"),
    "an unknown dtype": (changed(dtype="float16"), "float16 is not allowed"),
    "an unknown precision": (changed(dtype="float32", precision="loose"), "precision = loose is not allowed"),
    "strict float64": (changed(precision="strict"), "precision = strict is not allowed"),
    "another version": (changed(format="nnz-request-2"), "nnz-request-2"),
    "sizes that contradict each other": (
        asked("linear_backward", {"dy": WTE, "x": WTE, "w": WTE}),
        "w has a size of 3 where M is 2",
    ),
    "no array of that name": (({"ids": IDS}, NOTES), "the request lacks wte"),
    "a number that is none": (asked("sgd_step", {"p": WTE, "g": WTE}, lr="fast"), "not a number"),
    "a size that would take all memory": (
        asked("initial_weights", {}, seed="1", **{**SIZES, "V": "99999999999"}),
        "V = 99999999999 is not an integer from 1",
    ),
}
