"""Elements of a page. The standard library's tree writes them, so every name is escaped."""

# Only built and written here; nothing that others wrote is parsed.
from xml.etree.ElementTree import Element, SubElement, tostring

__all__ = ["Element", "add", "add_words", "make", "write_page"]


def make(tag: str, text: str = "", **attributes: str) -> Element:
    """Make an element; ``class_`` is ``class``, and ``aria_label`` ``aria-label``."""
    element = Element(tag, _name_attributes(attributes))
    element.text = text or None
    return element


def add(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    """Add an element to ``parent`` and give it."""
    element = SubElement(parent, tag, _name_attributes(attributes))
    element.text = text or None
    return element


def add_words(parent: Element, text: str) -> None:
    """Add text behind what ``parent`` holds so far."""
    if len(parent):
        last = parent[-1]
        last.tail = (last.tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def write_page(root: Element) -> bytes:
    """Give the page in UTF-8."""
    text = tostring(root, encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{text}\n".encode("utf-8", "backslashreplace")


def _name_attributes(attributes: dict[str, str]) -> dict[str, str]:
    return {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
