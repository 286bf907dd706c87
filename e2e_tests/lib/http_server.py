"""An image server on loopback, with Range and ETag, that can be told to misbehave."""

import collections
import http.server
import pathlib
import re
import threading
import time

BLOCK = 256 * 1024


class ImageServer:
    """Serves files by name. Guests reach it at 10.0.2.2. Use as a context manager."""

    def __init__(self):
        self._files: dict[str, pathlib.Path] = {}
        self._lock = threading.Lock()
        self._breaks: dict[str, list[int]] = collections.defaultdict(list)
        self._rates: dict[str, float] = {}
        # (name, first byte, bytes sent) of every answer, in the order of their ends.
        self._answers: list[tuple[str, int, int]] = []
        self._sent: dict[str, int] = collections.Counter()
        owner = self

        class Handler(_Handler):
            server_of = owner

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)

    def __enter__(self) -> "ImageServer":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, file: pathlib.Path) -> str:
        """Serves a file and returns its URL as a guest has to write it."""
        with self._lock:
            self._files[file.name] = file
        return f"http://10.0.2.2:{self._server.server_port}/{file.name}"

    def break_after(self, file: pathlib.Path, sent: int) -> None:
        """Cuts the connection of the next answer with more than so many bytes of this file."""
        with self._lock:
            self._breaks[file.name].append(sent)

    def throttle(self, file: pathlib.Path, bytes_per_second: float) -> None:
        """Slows a file down from now on, also in answers that are under way. 0: full speed."""
        with self._lock:
            self._rates[file.name] = bytes_per_second

    def sent(self, file: pathlib.Path) -> int:
        """Bytes of a file that were sent so far, over all answers."""
        with self._lock:
            return self._sent[file.name]

    def total_sent(self) -> int:
        with self._lock:
            return sum(self._sent.values())

    def answers(self, file: pathlib.Path) -> list[tuple[int, int]]:
        """(first byte, bytes sent) of every finished answer with this file's content."""
        with self._lock:
            return [(first, count) for name, first, count in self._answers if name == file.name]

    # For the handler.

    def file(self, name: str) -> pathlib.Path | None:
        with self._lock:
            return self._files.get(name)

    def take_break(self, name: str, size: int) -> int | None:
        """After how many bytes to break an answer of this size off. None: not at all."""
        with self._lock:
            waiting = self._breaks[name]
            return waiting.pop(0) if waiting and waiting[0] < size else None

    def rate(self, name: str) -> float:
        with self._lock:
            return self._rates.get(name, 0)

    def count(self, name: str, sent: int) -> None:
        with self._lock:
            self._sent[name] += sent

    def finish(self, name: str, first: int, sent: int) -> None:
        with self._lock:
            self._answers.append((name, first, sent))


class _Handler(http.server.BaseHTTPRequestHandler):
    server_of: ImageServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        name = self.path.lstrip("/")
        file = self.server_of.file(name)
        if file is None:
            self.send_error(404)
            return
        status = file.stat()
        etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        first, end = self._range(status.st_size, etag)
        if first >= status.st_size > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{status.st_size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        whole = (first, end) == (0, status.st_size)
        self.send_response(200 if whole else 206)
        if not whole:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{status.st_size}")
        self.send_header("Content-Length", str(end - first))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", etag)
        self.end_headers()
        if body:
            self._send(name, file, first, end)

    def _range(self, size: int, etag: str) -> tuple[int, int]:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not asked or (condition is not None and condition != etag):
            return 0, size
        end = min(int(asked[2]) + 1, size) if asked[2] else size
        return int(asked[1]), end

    def _send(self, name: str, file: pathlib.Path, first: int, end: int) -> None:
        limit = self.server_of.take_break(name, end - first)
        sent = 0
        try:
            with file.open("rb") as opened:
                opened.seek(first)
                while first + sent < end:
                    rate = self.server_of.rate(name)
                    size = min(BLOCK if not rate else max(1024, int(rate / 10)), end - first - sent)
                    if limit is not None:
                        size = min(size, limit - sent)
                    if size == 0:
                        self.close_connection = True
                        return
                    self.wfile.write(opened.read(size))
                    sent += size
                    self.server_of.count(name, size)
                    if rate:
                        time.sleep(size / rate)
        except OSError:
            # The client went away, which is its right.
            self.close_connection = True
        finally:
            self.server_of.finish(name, first, sent)
