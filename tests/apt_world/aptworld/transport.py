"""The program that apt runs for http and https in an apt world: it answers from directories.

Apt starts it in the place of its own methods (``Dir::Bin::Methods::https``) and speaks its method protocol
with it: everything else, signatures and checksums included, is apt's own work on the real addresses. No
network is ever asked: ``$APT_WORLD_ARCHIVES`` names directories with HOST/PATH in them, of which the first
that has a file counts. What none has is a 404, as it would be out there.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit


def main() -> None:
    """Answer apt's requests until it closes the pipe."""
    archives = [Path(name) for name in os.environ["APT_WORLD_ARCHIVES"].split(":")]
    say("100 Capabilities", Version="1.2", Single_Instance="true")
    block: list[str] = []
    for line in sys.stdin:
        if line.strip():
            block.append(line.rstrip("\n"))
            continue
        if block and block[0].startswith("600 "):
            fields = dict(entry.split(": ", 1) for entry in block[1:] if ": " in entry)
            acquire(archives, fields["URI"], Path(fields["Filename"]))
        block = []


def acquire(archives: list[Path], uri: str, target: Path) -> None:
    """Answer one request."""
    address = urlsplit(uri)
    path = Path(address.netloc, unquote(address.path).lstrip("/"))
    source = next((archive / path for archive in archives if (archive / path).is_file()), None)
    if source is None:
        say("400 URI Failure", URI=uri, Message="404  Not Found", FailReason="HttpError404")
        return
    data = source.read_bytes()
    say("200 URI Start", URI=uri, Size=str(len(data)))
    target.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    say("201 URI Done", URI=uri, Filename=str(target), Size=str(len(data)), SHA256_Hash=digest)


def say(status: str, **fields: str) -> None:
    """Send one message to apt."""
    lines = [status, *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
