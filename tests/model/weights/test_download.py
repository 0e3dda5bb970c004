"""Downloads from a server on this machine that answers as the hub and as a plain server do."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sss_model.errors import Cancelled, CheckpointError
from sss_model.progress import Progress
from sss_model.weights import download
from sss_model.weights.catalogue import SHORT_LIST, short_list
from sss_model.weights.download import check_connection, download_file, download_from_hub

CONTENT = bytes(range(256)) * 8192  # 2 MB: eight reports
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Handler(BaseHTTPRequestHandler):
    cut = False

    def _head(self, length: int, status: int = 200) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Length", str(length)),
            ("ETag", f'"{hashlib.sha256(CONTENT).hexdigest()}"'),
            ("X-Repo-Commit", COMMIT),
            ("Accept-Ranges", "bytes"),
        ):
            self.send_header(name, value)
        self.end_headers()

    def do_HEAD(self) -> None:
        self._head(len(CONTENT))

    def do_GET(self) -> None:
        ranged = self.headers.get("Range")
        start = int(ranged.removeprefix("bytes=").split("-")[0]) if ranged else 0
        self.server.starts.append(start)  # type: ignore[attr-defined]
        self._head(len(CONTENT) - start, 206 if ranged else 200)
        self.wfile.write(CONTENT[start : len(CONTENT) // 2 if self.cut else None])

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.starts = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hub(server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThreadingHTTPServer:
    from huggingface_hub import constants, file_download

    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    for module in (constants, file_download):
        monkeypatch.setattr(module, "HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)
    return server


def stopping(after: float) -> Progress:
    """Is stopped once so much is there."""
    reached: list[float] = []
    return Progress(lambda fraction, _: reached.append(fraction), lambda: bool(reached) and reached[-1] >= after)


def test_a_file_comes_whole_and_tells_how_far_it_is(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    name = f"net-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"
    address = f"http://127.0.0.1:{server.server_port}/{name}"
    download_file(address, tmp_path / "deep" / name, "the weights", Progress(lambda *told_: told.append(told_)))
    assert (tmp_path / "deep" / name).read_bytes() == CONTENT
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) > 5
    assert told[-1][1] == "Downloading the weights, 2 of 2 MB"


@pytest.mark.parametrize(("name", "cut"), [("net-00000000.pth", False), ("net.pth", True)])
def test_a_damaged_file_is_not_kept(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, cut: bool
) -> None:
    monkeypatch.setattr(Handler, "cut", cut)
    with pytest.raises((CheckpointError, OSError)):
        download_file(f"http://127.0.0.1:{server.server_port}/{name}", tmp_path / name, "the weights")
    assert not list(tmp_path.iterdir())


def test_a_stopped_file_leaves_nothing(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        download_file(f"http://127.0.0.1:{server.server_port}/a.pth", tmp_path / "a.pth", "it", stopping(0.4))
    assert not list(tmp_path.iterdir())


def test_a_download_from_the_hub_can_be_stopped_and_had(hub: ThreadingHTTPServer, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        download_from_hub("timm/some_net", "model.safetensors", None, "some_net", stopping(0.4))
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 100_000]
    told: list[tuple[float, str]] = []
    listen = Progress(lambda *told_: told.append(told_))
    path = download_from_hub("timm/some_net", "model.safetensors", None, "some_net", listen)
    assert path.read_bytes() == CONTENT
    assert len(told) > 8
    assert told[-1] == (1.0, "Downloading some_net, 2 of 2 MB")


def test_the_clients_own_settings_come_back(hub: ThreadingHTTPServer) -> None:
    from huggingface_hub import constants

    before = constants.DOWNLOAD_CHUNK_SIZE, constants.HF_HUB_DISABLE_XET
    with pytest.raises(Cancelled):
        download_from_hub("timm/some_net", "model.safetensors", None, "some_net", stopping(0.1))
    assert before == (constants.DOWNLOAD_CHUNK_SIZE, constants.HF_HUB_DISABLE_XET)


def test_without_a_connection_one_is_told_at_once() -> None:
    begun = time.monotonic()
    with pytest.raises(
        CheckpointError, match=r"There is no connection to 127.0.0.1: the weights of a cannot be"
    ) as got:
        check_connection("http://127.0.0.1:9", "the weights of a")
    assert time.monotonic() - begun < 2
    assert "Connect this computer" in got.value.hint


def test_a_name_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = threading.Event()
    monkeypatch.setattr(download, "PATIENCE", 0.2)
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: silence.wait(5))
    begun = time.monotonic()
    with pytest.raises(CheckpointError, match="no connection"):
        check_connection("http://example.org", "it")
    with pytest.raises(Cancelled):
        check_connection("http://example.org", "it", Progress(cancelled=lambda: True))
    assert time.monotonic() - begun < 2
    silence.set()


def test_a_server_that_refuses_is_a_connection(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "do_HEAD", lambda self: self._head(0, 403))
    check_connection(f"http://127.0.0.1:{server.server_port}", "it")


def test_the_short_list_says_size_and_licence() -> None:
    """The megabytes are those of the network's weights in float32, with the head that the file holds."""
    import timm
    import torch

    assert [entry.name for _, entry, _ in short_list()] == [listed.name for listed in SHORT_LIST]
    for listed, _, licence in short_list():
        assert licence in ("apache-2.0", "dinov3-license")
        with torch.device("meta"):
            network = timm.create_model(listed.name, pretrained=False)
        bytes_ = 4 * sum(weight.numel() for weight in network.parameters())
        assert listed.megabytes == pytest.approx(bytes_ / 1e6, rel=0.02)
