"""Values of options that need more than a type: numbers, charsets and addresses; and options without effect."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from pydantic import TypeAdapter, ValidationError

from soupstate.app.http.schemas import Url
from soupstate.app.wrong_values import wrong_value
from soupstate.model.net.checkpoint import DEFAULT
from soupstate.model.page.decode import decode
from soupstate.model.page.marks import FORMATS

Function = Callable[..., Any]

PROBES = (b"x", b"<\0", b"\0<")  # a page of one byte, and "<" in UTF-16 of either order
URL = TypeAdapter(Url)


def format_option(help_: str) -> Callable[[Function], Function]:
    """Returns the option for what is learned or measured: HTML, or the JSON in pages. The parameter is `format_`."""
    formats = click.Choice(list(FORMATS))
    return click.option("--format", "format_", type=formats, default="html", show_default=True, help=help_)


class FiniteRange(click.FloatRange):
    """A click.FloatRange without infinity and NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns the number. Raises BadParameter."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def charset(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Returns the label of a charset. Raises BadParameter for one that `decode` would pass over."""
    if value is None:
        return None
    for probe in PROBES:
        try:
            if set(value).isdisjoint(" \t\"';,") and decode(probe, f"text/html; charset={value}").source == "header":
                return value
        except ValueError:
            continue
    raise click.BadParameter(f"{value!r} names no charset that pages are decoded with, such as utf-8 or windows-1252")


def address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Returns an absolute http or https address. Raises BadParameter, with the message of the service."""
    try:
        return None if value is None else str(URL.validate_python(value))
    except ValidationError as error:
        raise click.BadParameter(f"{value!r}: {wrong_value(error)[1]}") from None


def weights_options(function: Function) -> Function:
    """Adds the options that say which network reads, and how."""
    backend = click.option("--backend", help="Backend of the kernels; default: $SOUPSTATE_BACKEND, or the fastest.")
    return backend(weights_option(function))


def weights_option(function: Function) -> Function:
    """Adds the option that says which network reads."""
    weights = click.option(
        "--weights",
        type=click.Path(path_type=Path),
        default=DEFAULT,
        envvar="SOUPSTATE_WEIGHTS",
        help="Checkpoint to read with; default: $SOUPSTATE_WEIGHTS, or the shipped one.",
    )
    return weights(function)


def heads_option(function: Function) -> Function:
    """Adds the option that names field heads."""
    heads = click.option(
        "--head",
        type=click.Path(path_type=Path),
        multiple=True,
        help="Head that finds a field, as `soupstate head fit` writes it; may be repeated.",
    )
    return heads(function)


def refuse(name: str, why: str) -> None:
    """Raises UsageError where an option was given on the command line. why: in which case it has no effect."""
    ctx = click.get_current_context()
    if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        option = next(parameter.opts[0] for parameter in ctx.command.params if parameter.name == name)
        raise click.UsageError(f"{option} has no effect {why}", ctx)
