"""A mirror between a lab host and the lab's own that fails, or lies, about one file. Standard library only.

    python3 mirror.py UPSTREAM MODE PATTERN [FILE]

MODE, for paths that match the shell PATTERN: die (half of the file, then no server any more), cut (half of
it, as if that were all), flip (one byte is another), swap (FILE instead).
"""

import fnmatch
import os
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

UPSTREAM, MODE, PATTERN = sys.argv[1:4]


class Handler(BaseHTTPRequestHandler):
    """Hands on what the lab's mirror says, but for one file."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        try:
            with urllib.request.urlopen(f"http://{UPSTREAM}:8080{self.path}", timeout=30) as answer:
                body, kind = answer.read(), answer.headers.get("Content-Type", "")
        except urllib.error.HTTPError as error:
            self.send_error(error.code)
            return
        length = len(body)
        meant = fnmatch.fnmatch(self.path, PATTERN)
        if meant and MODE == "cut":
            body = body[: length // 2]
            length = len(body)
        elif meant and MODE == "flip":
            body = body[: length // 2] + bytes([body[length // 2] ^ 1]) + body[length // 2 + 1 :]
        elif meant and MODE == "swap":
            body = Path(sys.argv[4]).read_bytes()
            length = len(body)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if meant and MODE == "die":
            self.wfile.write(body[: length // 2])
            self.wfile.flush()
            os._exit(0)
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
