"""A server on this machine that serves one text, whole or spoilt."""

import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = b"emma\nolivia\nava\n" * 1000


class Server(ThreadingHTTPServer):
    """Gives `body` for any path, announced as `announced` bytes, and keeps the paths it was asked for.

    With a `pause`, in seconds, it sends one byte after the other."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.announced, self.status, self.asked = BODY, len(BODY), 200, []
        self.headers, self.pause = {}, 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(self.server.announced))
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # whoever asked has gone
            for i in range(len(self.server.body) if self.server.pause else 0):
                self.wfile.write(self.server.body[i : i + 1])
                time.sleep(self.server.pause)
            if not self.server.pause:
                self.wfile.write(self.server.body)

    def log_message(self, *arguments: object) -> None:
        pass
