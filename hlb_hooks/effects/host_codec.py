"""UTF-8 that carries any byte, under a name that ``sh`` can be told: it knows no error handler."""

import codecs
import os

CODEC = "hlb_host_bytes"


def _find_codec(name: str) -> codecs.CodecInfo | None:
    """Give the codec to whoever asks for it by its name."""
    if name != CODEC:
        return None
    return codecs.CodecInfo(
        name=CODEC,
        encode=lambda text, _errors="strict": (os.fsencode(text), len(text)),
        decode=lambda data, _errors="strict": (os.fsdecode(bytes(data)), len(data)),
    )


codecs.register(_find_codec)
