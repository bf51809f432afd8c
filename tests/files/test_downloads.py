"""Downloads from a server on loopback, good, wrong and broken."""

import gzip
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from support.loopback import BODY, Server

from nnz.files import downloads


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("NNZ_DATA_URL", f"http://127.0.0.1:{server.server_port}/mirror/")
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no proxy, and a checksum for makemore-names that BODY has."""
    monkeypatch.setenv("NNZ_DATA_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sha256 = hashlib.sha256(BODY).hexdigest()
    pinned = tuple(replace(data, sha256=sha256, size=len(BODY)) if data.url else data for data in downloads.known())
    monkeypatch.setattr(downloads, "_KNOWN", pinned)
    return tmp_path / "cache"


def left_in(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def refused() -> str:
    with pytest.raises(downloads.DownloadError) as caught:
        downloads.get("makemore-names")
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_file_is_downloaded_once_and_found_the_second_time(server: Server, cache: Path, capfd) -> None:
    for _ in range(2):
        path = downloads.get("makemore-names")
        assert path == cache / "makemore-names.txt"
        assert path.read_bytes() == BODY
    assert server.asked == ["/mirror/makemore-names.txt"]
    assert left_in(cache) == ["makemore-names.txt"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [("body", BODY[:-1] + b"!", "hash"), ("announced", len(BODY) + 5000, "5000 more expected"), ("status", 404, "404")],
    ids=["a wrong checksum", "a connection cut midway", "a page not found"],
)
def test_a_spoilt_answer_is_refused_and_leaves_nothing(server: Server, cache, attribute, value, message) -> None:
    setattr(server, attribute, value)
    assert message in refused()
    assert left_in(cache) == []


def test_a_body_longer_than_the_file_is_not_read_to_its_end(server: Server, cache: Path) -> None:
    server.body, server.announced = BODY + b"!", len(BODY) + 1
    assert f"more than the {len(BODY):,} bytes" in refused()
    assert left_in(cache) == []


def test_a_packed_body_is_not_unpacked(server: Server, cache: Path) -> None:
    server.body = gzip.compress(bytes(10_000_000))
    server.announced, server.headers = len(server.body), {"Content-Encoding": "gzip"}
    assert "packed" in refused()
    assert left_in(cache) == []


@pytest.mark.parametrize(("limit", "message"), [("DEADLINE", "longer than 0.2 seconds"), ("SILENCE", "timed out")])
def test_a_server_that_sends_too_slowly_is_left(server, cache, limit, message, monkeypatch) -> None:
    server.pause = {"DEADLINE": 0.05, "SILENCE": 1}[limit]
    monkeypatch.setattr(downloads, limit, 0.2)
    assert message in refused()
    assert left_in(cache) == []


def test_what_a_killed_download_left_is_swept_by_the_next(server: Server, cache: Path) -> None:
    cache.mkdir()
    (cache / ".makemore-names.txt.0123abcd.tmp").write_bytes(BODY[:100])
    downloads.get("makemore-names")
    assert left_in(cache) == ["makemore-names.txt"]


def test_a_refused_connection_names_the_address_and_leaves_nothing(server: Server, cache: Path) -> None:
    server.shutdown()
    server.server_close()
    message = refused()
    assert f"http://127.0.0.1:{server.server_port}/mirror/makemore-names.txt" in message
    assert "refused" in message
    assert left_in(cache) == []


def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("nowhere", "gopher://127.0.0.1"):
        monkeypatch.setenv("NNZ_DATA_URL", address)
        assert address in refused()


def test_a_cached_file_with_the_wrong_content_is_never_used(server: Server, cache: Path) -> None:
    cache.mkdir()
    (cache / "makemore-names.txt").write_bytes(b"spoilt")
    assert downloads.get("makemore-names").read_bytes() == BODY
    (cache / "makemore-names.txt").write_bytes(b"spoilt")
    server.status = 500
    assert "500" in refused()


def test_a_read_only_cache_serves_what_it_holds(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir()
    (cache / "makemore-names.txt").write_bytes(BODY)
    cache.chmod(0o555)
    monkeypatch.setitem(sys.modules, "pooch", None)  # so that an import of it, and with it the network, fails
    try:
        assert downloads.get("makemore-names").read_bytes() == BODY
    finally:
        cache.chmod(0o755)


def test_a_cache_that_cannot_be_made_is_refused_in_one_line(server: Server, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert str(cache) in refused()


def test_without_the_variable_the_cache_is_the_user_s(server: Server, cache: Path, monkeypatch) -> None:
    monkeypatch.delenv("NNZ_DATA_HOME")
    monkeypatch.setattr("pooch.os_cache", lambda project: cache / "of" / project)
    assert downloads.get("tinyshakespeare") == cache / "of" / "nnz" / "tinyshakespeare.txt"


def test_the_packaged_names_need_no_server() -> None:
    assert left_in(downloads.get("names")) == ["test.txt", "train.txt", "val.txt"]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="names, makemore-names, tinyshakespeare"):
        downloads.get("shakespeare-sonnets")


def test_every_data_set_says_where_it_comes_from_and_is_pinned() -> None:
    for data in downloads.known():
        assert data.description
        assert data.origin
        assert data.note
        assert (data.url is None) == (data.sha256 is None) == (data.size is None)
        assert data.sha256 is None or len(data.sha256) == 64
    assert [data.name for data in downloads.known()] == downloads.names()


def test_importing_the_data_side_does_not_import_pooch() -> None:
    program = "import nnz.text.datasets, sys; sys.exit('pooch' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
