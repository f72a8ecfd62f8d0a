"""The one place that knows whether the compiled module was built.

Only its absence is forgiven (a pure wheel). One that is there and cannot be loaded is an error.
"""

from types import ModuleType

cpp: ModuleType | None
try:
    import kernels._cpp as cpp
except ModuleNotFoundError as error:
    if error.name != "kernels._cpp":
        raise
    cpp = None
