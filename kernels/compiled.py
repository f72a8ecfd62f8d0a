"""The compiled module as `cpp`, or None where it was not built, as in a pure wheel.

A module that is there but does not load raises ImportError, so that a broken build never looks like a missing one.
"""

from pathlib import Path

__all__ = ["MISSING", "cpp"]

try:
    import soupstate.kernels._cpp as cpp
except ModuleNotFoundError as error:
    if error.name != "soupstate.kernels._cpp":
        raise
    cpp = None  # type: ignore[assignment]  # callers compare with None; mypy checks their calls against _cpp.pyi

# What to tell the user where the module was not built; "" where it is there.
MISSING: str = (
    ""
    if cpp is not None
    else f"the compiled kernels are missing from {Path(__file__).parent}, so reading is about 100 times slower; "
    "install a C++17 compiler and reinstall soupstate (in a checkout: make run)"
)
