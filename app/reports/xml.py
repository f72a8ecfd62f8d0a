"""Faults as XML: JUnit's reports of tests, and Checkstyle's reports. Many build servers read one of them."""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from soupstate.app.explanations import COMMAND
from soupstate.app.reports.checked import TOOL, Checked, in_words, level
from soupstate.model.faults.fault import Fault
from soupstate.model.faults.kinds import KINDS

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def junit(files: list[Checked]) -> bytes:
    """Returns a test suite for each file, with a failed case for each fault; one without has a case that passes.

    A file that could not be read has a case with an error.
    """
    root = Element("testsuites", _counts(files) | {"name": TOOL})
    for file in files:
        name = _clean(file.shown)
        suite = SubElement(root, "testsuite", _counts([file]) | {"name": name})
        for fault in file.faults:
            place = {"line": str(fault.line), "column": str(fault.column)}
            case = SubElement(suite, "testcase", {"name": fault.kind, "classname": name, "file": name, **place})
            failure = SubElement(case, "failure", {"type": level(fault), "message": _clean(fault.message)})
            failure.text = _clean(_found(file, fault))
        if not file.faults:
            said = "the file is read" if file.failure else "no fault"
            case = SubElement(suite, "testcase", {"name": said, "classname": name, "file": name})
            if file.failure:
                SubElement(case, "error", {"type": "error", "message": _clean(file.failure)})
    return _document(root)


def _found(file: Checked, fault: Fault) -> str:
    """Returns what is wrong, where, how to mend it, and what to read about it."""
    kind = KINDS[fault.kind]
    lines = [f"{file.shown}:{fault.line}:{fault.column}: {fault.message} ({fault.probability:.0%})", fault.excerpt]
    if fault.fixes:
        lines.append(f"Fix: {in_words(file.page, fault.fixes[0])}")
    return "\n".join([*lines, f"{kind.what} {kind.why}", f"{COMMAND} {kind.name}", kind.url])


def checkstyle(files: list[Checked]) -> bytes:
    """Returns Checkstyle's format: an `error` element for each fault of a `file` element."""
    root = Element("checkstyle", {"version": "8.0"})  # of the format
    for file in files:
        element = SubElement(root, "file", {"name": _clean(file.shown)})
        for fault in file.faults:
            place = {"line": str(fault.line), "column": str(fault.column), "severity": level(fault)}
            said = {"message": _clean(fault.message), "source": f"{TOOL}.{fault.kind}"}
            SubElement(element, "error", place | said)
        if file.failure:
            said = {"message": _clean(file.failure), "source": f"{TOOL}.failure"}
            SubElement(element, "error", {"line": "1", "severity": "error"} | said)
    return _document(root)


def _counts(files: list[Checked]) -> dict[str, str]:
    cases = sum(max(1, len(file.faults)) for file in files)
    failures, errors = sum(len(file.faults) for file in files), sum(bool(file.failure) for file in files)
    return {"tests": str(cases), "failures": str(failures), "errors": str(errors)}


def _clean(words: str) -> str:
    """Returns the words with a replacement character for each that XML may not hold."""
    return NO_XML.sub("\ufffd", words)


def _document(root: Element) -> bytes:
    indent(root)
    return bytes(tostring(root, "utf-8", xml_declaration=True)) + b"\n"
