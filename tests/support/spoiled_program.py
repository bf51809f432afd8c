"""A program that speaks the protocol and is wrong in one way: python spoiled_program.py WAY TRUTH conformance ...

It has the right program, TRUTH, answer, and spoils what that says; so all is as it should be but for one thing.
"""

import json
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path


def parts(path):
    """(metadata, the rest of the header, the arrays' bytes)"""
    data = Path(path).read_bytes()
    n = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + n])
    return header.pop("__metadata__"), header, bytearray(data[8 + n :])


def write(path, metadata, header, data):
    text = json.dumps({"__metadata__": metadata, **header}).encode()
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + data)


def fill(header, data, value):
    """Overwrite every number that is no token."""
    for entry in header.values():
        begin, end = entry["data_offsets"]
        kind = {"F32": "<f", "F64": "<d", "I32": "<i"}[entry["dtype"]]
        number = struct.pack(kind, int(value) if kind == "<i" and value == value else value if kind != "<i" else 0)
        data[begin:end] = number * ((end - begin) // len(number))


def nudge(header, data):
    """Make each array's largest number greater by a thousandth."""
    for entry in header.values():
        begin, end = entry["data_offsets"]
        kind = {"F32": "f", "F64": "d", "I32": "i"}[entry["dtype"]]
        numbers = list(struct.unpack(f"<{(end - begin) // struct.calcsize(kind)}{kind}", data[begin:end]))
        largest = max(range(len(numbers)), key=lambda i: abs(numbers[i]))
        numbers[largest] = numbers[largest] + 1 if kind == "i" else numbers[largest] * 1.001
        data[begin:end] = struct.pack(f"<{len(numbers)}{kind}", *numbers)


def spoil(way, request, response):
    asked, _, sent = parts(request)
    metadata, header, data = parts(response)
    kept = Path(f"{Path(__file__).parent}/kept-{asked['function']}-{asked['dtype']}")
    if way in ("zeros", "ones", "nan"):
        fill(header, data, {"zeros": 0.0, "ones": 1.0, "nan": float("nan")}[way])
    elif way == "input":
        source = bytes(sent) or b"\0"
        data[:] = (source * (len(data) // len(source) + 1))[: len(data)]
    elif way == "nudged":
        nudge(header, data)
    elif way == "old" and kept.exists():
        metadata, header, data = parts(kept)
    elif way == "old with the new nonce" and kept.exists():
        metadata, header, data = {**parts(kept)[0], "nonce": asked["nonce"]}, *parts(kept)[1:]
    elif way == "another function":
        metadata["function"] = "tanh_forward" if asked["function"] != "tanh_forward" else "mlp"
    elif way == "one array less":
        header.pop(max(header, key=lambda name: header[name]["data_offsets"]))
        data = data[: max((entry["data_offsets"][1] for entry in header.values()), default=0)]
    elif way == "transposed":
        for entry in header.values():
            entry["shape"] = entry["shape"][::-1] if len(entry["shape"]) > 1 else [*entry["shape"], 1]
    write(response, metadata, header, data)
    if way.startswith("old") and not kept.exists():
        shutil.copy(response, kept)
        Path(response).write_bytes(b"")


def main():
    way, truth, *words = sys.argv[1:]
    if words[1] == "--list":
        said = subprocess.run([truth, *words], check=True, stdout=subprocess.PIPE, text=True).stdout
        print(said.replace("serve\n", ""), end="")  # so that each request is a run of this program
        sys.exit(0)
    request, response = words[1:]
    if way == "nothing":
        sys.exit(0)
    if way == "hangs":
        subprocess.Popen(["sleep", "600"])
        time.sleep(600)
    if way == "crashes":
        signal.raise_signal(signal.SIGSEGV)
    if way == "request":
        shutil.copy(request, response)
    elif way == "garbage":
        Path(response).write_bytes(b"\x00\xff" * 500)
    elif way == "endless header":
        Path(response).write_bytes((2**63).to_bytes(8, "little") + b"{}")
    else:
        code = subprocess.run([truth, *words], check=False).returncode
        if code:
            sys.exit(code)
        spoil(way, request, response)


main()
