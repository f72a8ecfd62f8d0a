"""The table of settings."""

from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from soupstate.app.cli.serve import serve_command
from soupstate.app.http.memory import smallest_budget
from soupstate.app.http.settings import BadSetting, Settings, load_settings


def test_command_line_before_environment_before_defaults() -> None:
    environ = {"SOUPSTATE_PORT": "81", "SOUPSTATE_HOST": "::1", "SOUPSTATE_WEIGHTS": "w", "OTHER": "x"}
    settings = load_settings(environ, {"port": 82, "host": None})
    assert (settings.port, settings.host, settings.weights) == (82, "::1", Path("w"))
    assert settings.page_seconds == Settings().page_seconds
    assert load_settings({}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "x"), ("port", "-1"), ("port", "65536"), ("page_seconds", "0"),
     *((field.name, value) for field in fields(Settings) if isinstance(field.default, float)
       for value in ("inf", "-inf", "nan", "1e300", "-1")),
     ("max_body_bytes", "1.5"), ("workers", "-1"), ("log_level", "loud")],
)  # fmt: skip
def test_bad_values_name_their_source(name: str, value: str) -> None:
    variable = f"SOUPSTATE_{name.upper()}"
    with pytest.raises(BadSetting, match=variable):
        load_settings({variable: value})
    with pytest.raises(BadSetting, match=f"--{name.replace('_', '-')}"):
        load_settings({}, {name: value})


def test_every_setting_has_help_and_an_option() -> None:
    shown = CliRunner().invoke(serve_command, ["--help"]).output
    for setting in fields(Settings):
        assert setting.metadata["help"]
        assert f"--{setting.name.replace('_', '-')}" in shown
        assert f"SOUPSTATE_{setting.name.upper()}" in shown


def test_the_budget_has_room_for_a_short_page_of_each_thread() -> None:
    least = smallest_budget(3)
    assert load_settings({}, {"workers": 3, "max_memory_bytes": least}).max_memory_bytes == least
    with pytest.raises(BadSetting, match=f"3 threads need at least {least}"):
        load_settings({}, {"workers": 3, "max_memory_bytes": least - 1})


def test_threads_are_counted_where_no_number_is_given() -> None:
    assert Settings().threads >= 1
    assert Settings(workers=3).threads == 3
