#!/usr/bin/python
# SPDX-License-Identifier: MIT
"""Ansible module: a repository's signing key, known by its fingerprint."""

from __future__ import annotations

DOCUMENTATION = """
module: signing_key
short_description: Keep a repository's signing key, but only the one with the wanted fingerprint
description:
  - Fetches a key and installs it only if it is exactly one primary key and that has the wanted fingerprint.
    The file that was there stays otherwise.
  - An installed key is left alone until it is another than the wanted one, expired or damaged. So a host
    that has a good key never asks the server, and a key that its owner issued again with a later expiry
    comes when it is due.
  - Reads the key itself; gpg need not be on the host.
options:
  url:
    description: Where the key is, armoured or binary.
    type: str
    required: true
  fingerprint:
    description: The primary key's fingerprint, 40 hexadecimal digits; spaces do not matter.
    type: str
    required: true
  dest:
    description: Where apt finds it (C(Signed-By)). Its directory is made where it is missing.
    type: path
    required: true
  timeout:
    description: Seconds to wait for the server.
    type: int
    default: 30
extends_documentation_fragment: [ansible.builtin.files]
author: The rdna1.provision authors
attributes:
  check_mode:
    support: full
    details: The key is fetched and judged, but not written.
  diff_mode:
    support: full
"""

EXAMPLES = """
- name: Trust AMD's key
  rdna1.provision.signing_key:
    url: https://repo.radeon.com/rocm/rocm.gpg.key
    fingerprint: CA8B B472 7A47 B4D0 9B4E  E896 9386 B48A 1A69 3C5C
    dest: /etc/apt/keyrings/rocm.gpg
"""

RETURN = """
fingerprint:
  description: The key's fingerprint.
  type: str
  returned: success
user_ids:
  description: Whose key it says it is.
  type: list
  elements: str
  returned: success
expires:
  description: Until when it is good, in ISO 8601; empty for ever.
  type: str
  returned: success
self_signature_digest:
  description: The hash algorithm of its newest self-signature.
  type: str
  returned: success
  sample: SHA256
fetched:
  description: Whether the server was asked.
  type: bool
  returned: success
base64:
  description: The key in binary form.
  type: str
  returned: success
"""

import base64
import os
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.rdna1.provision.plugins.module_utils import openpgp_key, plain_file, sqv_policy
from ansible_collections.rdna1.provision.plugins.module_utils.apt_get import SHA1_CURE
from ansible_collections.rdna1.provision.plugins.module_utils.openpgp_key import OpenPgpError, PrimaryKey

# A signing key takes a few KiB; a hostile server may not fill the host's memory.
LIMIT = 256 * 1024


class BadKeyError(Exception):
    """Not the wanted key; the message is one sentence."""


def judge(data: bytes, wanted: str, where: str, now: datetime) -> PrimaryKey:
    """The wanted key, if these bytes are it and nothing else, and it is good."""
    try:
        keys = openpgp_key.read_keys(data)
    except OpenPgpError as error:
        raise BadKeyError(
            "What %s holds is not a signing key: %s; correct the address." % (where, error)
        ) from error
    found = ", ".join(key.fingerprint for key in keys)
    if len(keys) > 1:
        raise BadKeyError(
            "%s holds %d keys (%s) where one is wanted (%s); give the address of that key alone."
            % (where, len(keys), found, wanted)
        )
    if found != wanted:
        raise BadKeyError(
            "The key at %s has the fingerprint %s, not %s, so it is not trusted and nothing was changed; "
            "correct the address, or the fingerprint if the repository's owner has published this one."
            % (where, found, wanted)
        )
    if keys[0].revoked:
        raise BadKeyError(
            "The key %s at %s is revoked; ask the repository's owner for its new one." % (found, where)
        )
    if keys[0].expired(now):
        raise BadKeyError(
            "The key %s at %s has expired on %s; see whether this host's clock is right, or ask the "
            "repository's owner to issue it again." % (found, where, _iso(keys[0]))
        )
    return keys[0]


def fetch(url: str, timeout: int) -> bytes:
    """The key file, if the server gives one of a sane size in time."""
    try:
        # The timeout is for each wait; a server that sends a byte now and then would never run into it.
        end = time.monotonic() + timeout
        data = b""
        with open_url(url, timeout=timeout, http_agent="rdna1.provision") as answer:
            while len(data) <= LIMIT:
                chunk = answer.read1(LIMIT + 1 - len(data))
                if not chunk:
                    break
                data += chunk
                if time.monotonic() > end:
                    raise TimeoutError("no end after %d seconds" % timeout)
    except Exception as error:  # urllib's and ssl's many; each says what happened
        raise BadKeyError(
            "The signing key cannot be fetched from %s (%s); correct the address, or let this host reach it "
            "(proxy, DNS, clock)." % (url, error)
        ) from error
    if len(data) > LIMIT:
        raise BadKeyError("What %s answers is too large for a signing key; correct the address." % url)
    return data


def installed_key(path: Path, wanted: str, now: datetime) -> Tuple[Optional[PrimaryKey], str]:
    """The key that is there if it is good, and otherwise what is wrong with it."""
    try:
        return judge(plain_file.read(path), wanted, str(path), now), ""
    except FileNotFoundError:
        return None, "not there"
    except (OSError, BadKeyError) as error:
        return None, str(error)


def install(module: AnsibleModule, path: Path, data: bytes) -> None:
    """Write it beside and move it into place: apt never sees half a key."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    module.atomic_move(temporary, str(path))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "fingerprint": {"type": "str", "required": True, "no_log": False},
            "dest": {"type": "path", "required": True},
            "timeout": {"type": "int", "default": 30},
        },
        add_file_common_args=True,
        supports_check_mode=True,
    )
    now = datetime.now(timezone.utc)
    path = Path(module.params["dest"])
    try:
        result = ensure(module, path, now)
    except (BadKeyError, OpenPgpError) as error:
        module.fail_json(msg=str(error))
    if result["self_signature_digest"] == "SHA1" and sqv_policy.refuses_sha1(now):
        module.warn(
            "This host's apt verifies with sqv, which refuses this key's SHA-1 self-signature; %s."
            % SHA1_CURE
        )
    if path.exists() or not module.check_mode:
        arguments = module.load_file_common_arguments(module.params, path=str(path))
        result["changed"] = module.set_fs_attributes_if_different(arguments, result["changed"])
    module.exit_json(**result)


def ensure(module: AnsibleModule, path: Path, now: datetime) -> Dict[str, Any]:
    """Keep the good key that is there, or fetch, judge and install."""
    wanted = openpgp_key.normalise_fingerprint(module.params["fingerprint"])
    key, wrong = installed_key(path, wanted, now)
    fetched = key is None
    if key is None:
        data = fetch(module.params["url"], module.params["timeout"])
        key = judge(data, wanted, module.params["url"], now)
        data = openpgp_key.dearmour(data)
        if not module.check_mode:
            install(module, path, data)
    else:
        data = plain_file.read(path)
    return {
        "changed": fetched,
        "fingerprint": key.fingerprint,
        "user_ids": list(key.user_ids),
        "expires": _iso(key),
        "self_signature_digest": key.digest,
        "fetched": fetched,
        "base64": base64.b64encode(openpgp_key.dearmour(data)).decode(),
        "diff": {
            "before": "%s: %s\n" % (path, wrong) if fetched else "",
            "after": "%s: %s, %s\n" % (path, key.fingerprint, _expiry(key)) if fetched else "",
        },
    }


def _expiry(key: PrimaryKey) -> str:
    return "expires %s" % _iso(key) if key.expires else "does not expire"


def _iso(key: PrimaryKey) -> str:
    return key.expires.isoformat() if key.expires else ""


if __name__ == "__main__":
    main()
