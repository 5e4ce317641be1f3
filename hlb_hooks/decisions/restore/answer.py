"""Which answer a restored VM's question gets: by what the choices say, never by their numbers.

ESX asks ``msg.uuid.altered`` (VMware KB 1541: I _moved it, I _copied it); the talk of 2009 shows
``msg.uuid.moved`` with Create, Keep, Always Create, Always Keep, Cancel. Numbers and order differ
from host to host.
"""

import re

from hlb_hooks.decisions.restore.options import CREATE, KEEP
from hlb_hooks.effects.vmware_question import Question

_ABOUT_UUID = re.compile(
    r"msg\.uuid\.(?:altered|moved)|(?:may|might) have been moved or copied"
    r"|configuration file has changed since it was last powered on"
)
_MEANINGS = {
    CREATE: re.compile(r"(?:i )?(?:have )?copied it|create"),
    KEEP: re.compile(r"(?:i )?(?:have )?moved it|keep"),
}


def choose_answer(question: Question, uuid: str) -> str | None:
    """Give the key of the one choice that says what ``uuid`` (``create``, ``keep``) means.

    None for another question, and where none or several of the choices say it.
    """
    if not _ABOUT_UUID.search(question.text):
        return None
    keys = [key for key, label in question.choices if _MEANINGS[uuid].fullmatch(_plain(label))]
    return keys[0] if len(keys) == 1 else None


def _plain(label: str) -> str:
    """Give a label without its accelerator, what is repeated in parentheses, and the default."""
    text = re.sub(r"\[default\]|\(.*\)", "", label)
    return " ".join(text.replace("_", "").replace("&", "").lower().split()).rstrip(".")
