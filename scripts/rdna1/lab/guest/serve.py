"""The mirror's web server: files below a folder, to many hosts at a time. Standard library only."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    """Keeps connections open: pip asks for a dozen small pages in a row."""

    protocol_version = "HTTP/1.1"
    timeout = 60


class Server(ThreadingHTTPServer):
    """Lets a whole fleet knock at once; the standard five would make the others wait a second each."""

    request_queue_size = 128


if __name__ == "__main__":
    Server(("", int(sys.argv[2])), partial(Handler, directory=sys.argv[1])).serve_forever()
