"""A server on the host's loopback that keeps what agents send it; guests reach it at 10.0.2.2."""

import http.server
import json
import threading
import time


class ReportServer:
    """Answers every POST with 200 and remembers its JSON, by path. Use as a context manager."""

    def __init__(self):
        reports = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                reports._take(self.path, json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._changed = threading.Condition()
        self._bodies: list[tuple[str, dict]] = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "ReportServer":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str) -> str:
        """As a guest names it."""
        return f"http://10.0.2.2:{self._server.server_address[1]}{path}"

    def bodies(self, path: str) -> list[dict]:
        with self._changed:
            return [body for place, body in self._bodies if place == path]

    def wait(self, path: str, fits, timeout: float, what: str) -> dict:
        """Waits until there is a report that fits. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for place, body in self._bodies:
                    if place == path and fits(body):
                        return body
                left = deadline - time.monotonic()
                if left <= 0:
                    heard = [body for place, body in self._bodies if place == path]
                    raise TimeoutError(f"{what}: not reported in {timeout:.0f} s, heard: {heard}")
                self._changed.wait(left)

    def _take(self, path: str, body: dict) -> None:
        with self._changed:
            self._bodies.append((path, body))
            self._changed.notify_all()
