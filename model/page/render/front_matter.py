"""Writes front matter: what is known of a page, as YAML before its Markdown."""

import re

BREAKS = re.compile("[\x85\u2028\u2029]")  # PyYAML reads these back only from double quotes


def front_matter(**known: str | None) -> str:
    """Returns the front matter with these keys, in this order; those of None are left out.

    >>> print(front_matter(title="Tea: a list", url=None, language="en"))
    ---
    title: 'Tea: a list'
    language: en
    ---
    """
    import yaml  # noqa: PLC0415  most processes write no front matter

    lines = [
        yaml.safe_dump(
            {name: value}, allow_unicode=True, width=float("inf"), default_style='"' if BREAKS.search(value) else None
        )
        for name, value in known.items()
        if value is not None
    ]
    return f"---\n{''.join(lines)}---"
