"""A view as JSON: its dataclasses' fields by their names, moments in UTC."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime

from hlb_hooks.base import clock


def write_json(document: object) -> bytes:
    """Give ``document``, a view, as JSON in ASCII that ends in a line break."""
    return json.dumps(_encode(document), indent=2).encode("ascii") + b"\n"


def _encode(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _encode(getattr(value, each.name)) for each in fields(value)}
    match value:
        case datetime():
            return clock.format_utc(value)
        case Mapping():
            return {str(key): _encode(each) for key, each in value.items()}
        case tuple():
            return [_encode(each) for each in value]
    # Strings, StrEnums among them, numbers, booleans and nothing are what JSON has too.
    return value
