"""The page /docs: the OpenAPI description as plain HTML. It loads nothing, and has no script."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Any

STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-top: 1px solid #ccc; padding-top: 1rem; }
pre { background: #f4f4f4; padding: .75rem; overflow-x: auto; }
table { border-collapse: collapse; }
td, th { border: 1px solid #ccc; padding: .25rem .5rem; text-align: left; vertical-align: top; }
"""
# The style stands in the page, so its hash is all that the policy allows (W3C, Content Security Policy Level 3).
DIGEST = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def docs_page(schema: dict[str, Any]) -> str:
    """Returns the page for an OpenAPI description."""
    info = schema["info"]
    operations = [
        _operation(schema, method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = schema.get("components", {}).get("schemas", {})
    shapes = [f"<h3>{escape(name)}</h3>{_json(shape)}" for name, shape in schemas.items()]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])}</p>"
        '<p>The same as <a href="openapi.json">OpenAPI</a>.</p>'
        f"{''.join(operations)}<h2>Shapes</h2>{''.join(shapes)}</body></html>\n"
    )


def _operation(schema: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"<h2>{method.upper()} {escape(path)}</h2><p>{escape(operation.get('description', ''))}</p>"]
    rows = [
        (parameter["name"], json.dumps(parameter["schema"]), parameter["schema"].get("description", ""))
        for parameter in operation.get("parameters", [])
    ]
    if rows:
        parts.append(f"<h3>Query</h3>{_table(('name', 'schema', 'what it is'), rows)}")
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<h3>Body: {escape(kind)}</h3>{_json(content['schema'])}")
    answers = [
        (status, answer["description"], ", ".join(answer.get("content", {})))
        for status, answer in operation["responses"].items()
    ]
    parts.append(f"<h3>Answers</h3>{_table(('status', 'when', 'content'), answers)}")
    return "".join(parts)


def _table(names: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
