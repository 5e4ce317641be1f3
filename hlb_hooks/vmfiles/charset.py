"""The encoding a VM's file says it is written in, and text that keeps bytes it cannot decode.

Files say it themselves: ``.encoding = "windows-1252"`` in .vmx and .vmsd, ``encoding="UTF-8"`` in
a VMDK descriptor. Bytes that do not decode become lone surrogates, as ``os.fsdecode`` makes them.
The names are those that VMware's products write (UTF-8, windows-1252, Shift_JIS and GBK were seen)
with their usual spellings. A file of an encoding not known here is read as UTF-8 would be: its
bytes survive, and ASCII, which is all that keys and numbers need, is right in all of them.
"""

import re

DEFAULT_ENCODING = "UTF-8"

# A closed table: a hostile name must never reach codecs like utf-7, idna or unicode_escape.
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "shift-jis": "cp932",
    "windows-31j": "cp932",
    "windows-932": "cp932",
    "euc-jp": "euc_jp",
    "gb2312": "gbk",
    "gbk": "gbk",
    "windows-936": "gbk",
    "gb18030": "gb18030",
    "big5": "cp950",
    "windows-950": "cp950",
    "big5-hkscs": "big5hkscs",
    "euc-kr": "cp949",
    "windows-949": "cp949",
    "windows-874": "cp874",
    **{f"windows-{page}": f"cp{page}" for page in range(1250, 1259)},
    # ISO 8859 has no part 12.
    **{f"iso-8859-{part}": f"iso8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)},
}
_WORD_GAP = re.compile(r"[_ ]")


def find_codec(encoding: str) -> str:
    """Give Python's name of the codec for an encoding as a VM's file names it; else UTF-8's."""
    return _CODECS.get(_WORD_GAP.sub("-", encoding.strip().lower()), "utf-8")


def decode_text(data: bytes, codec: str) -> str:
    """Give the text of ``data``; a byte that does not decode becomes a lone surrogate."""
    return data.decode(codec, "surrogateescape")


def encode_text(text: str, codec: str) -> bytes:
    """Give the bytes of ``text`` such that ``decode_text`` gives back that very text.

    Raise ValueError when the codec has no such bytes: a character it does not know, or lone
    surrogates that would come back as something else.
    """
    data = text.encode(codec, "surrogateescape")
    if decode_text(data, codec) != text:
        raise ValueError(f"{text!r} does not survive being written in {codec}")
    return data
