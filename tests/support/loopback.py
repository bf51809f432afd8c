"""A server on this machine that serves one text, whole or spoilt."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = b"emma\nolivia\nava\n" * 1000


class Server(ThreadingHTTPServer):
    """Gives `body` for any path, announced as `announced` bytes, and keeps the paths it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.announced, self.status, self.asked = BODY, len(BODY), 200, []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(self.server.announced))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *arguments: object) -> None:
        pass
