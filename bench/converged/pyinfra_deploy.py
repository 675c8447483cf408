"""What the chain manages, as a deploy of pyinfra: by its own operations, and where it has none, by a command.

The verifier's folder is compared as a whole, by one command, before files.sync, which would ask twice for
each of its files; likewise the large folders. A venv that it
builds anew is not the one that the role pytorch_venv makes.
"""

import base64
import io
from pathlib import Path

from pyinfra import host
from pyinfra.facts.files import File
from pyinfra.facts.server import Command
from pyinfra.operations import apt, files, server

CHECKOUT = Path(__file__).resolve().parents[2]
VERIFIER = CHECKOUT / "roles/conv2d_verify/files/conv2d_verify"
APT_FOLDERS = ("/etc/apt/sources.list.d", "/etc/apt/preferences.d")

wanted = host.data.wanted


def differs(command: str) -> bool:
    """Whether a command says something else than on the converged host."""
    return (host.get_fact(Command, command=f"{{ {command}; }} || true") or "") != wanted["said"][command]


# --- judged, never changed ---------------------------------------------------------------------------
for command in wanted["judged"]:
    if differs(command):
        server.shell(name=f"Refuse the host: {command}", commands=["exit 1"])

# --- accounts ----------------------------------------------------------------------------------------
for group in wanted["groups"]:
    server.group(name=f"Group {group}", group=group, system=True)
for name, user in wanted["users"].items():
    server.user(
        name=f"User {name}",
        user=name,
        home=user["home"],
        shell=user["shell"],
        groups=user["groups"],
        append=True,
        ensure_home=False,
    )

# --- apt: what must not be there, what must, and nothing beside it -----------------------------------
for path in wanted["absent"]:
    files.file(name=f"No {path}", path=path, present=False)
listing = f"find {' '.join(APT_FOLDERS)} -type f"
for path in host.get_fact(Command, command=listing).splitlines():
    if path not in wanted["files"]:
        files.file(name=f"No stranger {path}", path=path, present=False)
for path, folder in wanted["directories"].items():
    files.directory(
        name=f"Folder {path}", path=path, mode=folder["mode"], user=folder["user"], group=folder["group"]
    )
refresh = False
for path, file in wanted["files"].items():
    put = files.put(
        name=f"File {path}",
        src=io.BytesIO(base64.b64decode(file["content"])),
        dest=path,
        mode=file["mode"],
        user=file["user"],
        group=file["group"],
        create_remote_dir=False,
    )
    if path.startswith("/etc/apt/"):
        refresh = refresh or put.will_change

# --- packages ----------------------------------------------------------------------------------------
if refresh:
    apt.update(name="Refresh apt's lists")
apt.packages(
    name="Packages",
    packages=[f"{name}={version}" for name, version in wanted["packages"].items()],
    allow_downgrades=True,
    extra_install_args="--allow-change-held-packages",
)
if wanted["held"]:
    held = set(host.get_fact(Command, command="apt-mark showhold").split())
    if unheld := sorted(set(wanted["held"]) - held):
        server.shell(name="Hold", commands=[f"apt-mark hold {' '.join(unheld)}"])

# --- large folders -----------------------------------------------------------------------------------
broken = {path for path, command in (wanted["large"] | wanted["programs"]).items() if differs(command)}
if any(path.startswith("/opt/rocm") for path in broken):
    server.shell(
        name="Install ROCm's packages again",
        commands=[
            f"apt-get install -y --reinstall --allow-change-held-packages {' '.join(wanted['held'])}",
        ],
    )
if any(path.startswith("/opt/rdna1/current") for path in broken):
    [interpreter] = (wanted["said"][command] for command in wanted["programs"].values())
    home, venv = Path(interpreter).parents[1], "/opt/rdna1/" + wanted["links"]["/opt/rdna1/current"]
    if not host.get_fact(File, path=interpreter):
        archive = "/opt/rdna1/python.tar.gz"
        files.download(
            name="Interpreter",
            src=wanted["python"]["url"],
            dest=archive,
            sha256sum=wanted["python"]["sha256"],
        )
        server.shell(
            name=f"Unpack {home}",
            commands=[
                f"rm -rf {home} && mkdir -p {home}",
                f"tar -xzf {archive} -C {home} --strip-components=1 && rm {archive}",
            ],
        )
    lock = "/opt/rdna1/requirements.txt"
    files.put(name="Lock", src=wanted["lock"], dest=lock, mode="644", add_deploy_dir=False)
    server.shell(
        name=f"Build {venv} again",
        commands=[
            f"rm -rf {venv} && {interpreter} -m venv {venv}",
            f"{venv}/bin/pip install --no-deps --require-hashes --index-url {wanted['index']} -r {lock}",
            f"rm {lock}",
        ],
    )

# --- links, the verifier, its verdict ------------------------------------------------------------------
for path, target in wanted["links"].items():
    files.link(name=f"Link {path}", path=path, target=target)
for path, command in wanted["trees"].items():
    if differs(command):
        files.sync(
            name=f"Tree {path}",
            src=str(VERIFIER),
            dest=path,
            user="root",
            group="root",
            mode="644",
            dir_mode="755",
            delete=True,
            exclude="*.pyc",
            exclude_dir=["__pycache__", "*/__pycache__"],
            add_deploy_dir=False,
        )
if differs(wanted["verdict"]):
    server.shell(name="Verify", commands=["/opt/rdna1/bin/conv2d-verify --suite smoke"])
