"""Writes front matter: what is known of a page, as YAML before its Markdown."""

import yaml


def front_matter(**known: str | None) -> str:
    """Returns the front matter with these keys, in this order; those of None are left out.

    >>> print(front_matter(title="Tea: a list", url=None, language="en"))
    ---
    title: 'Tea: a list'
    language: en
    ---
    """
    said = {name: value for name, value in known.items() if value is not None}
    written = yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=float("inf")) if said else ""
    return f"---\n{written}---"
