"""The example explains every key, and says nothing that an empty file does not say."""

import re
from pathlib import Path

import pytest

from hlb_hooks.base.config import Config, load_config
from hlb_hooks.base.config_example import write_example
from hlb_hooks.base.config_schema import list_keys


def load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "hlb.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return load_config(str(path))


def test_as_it_stands_it_is_good_and_all_default(tmp_path: Path) -> None:
    assert load(tmp_path, write_example()) == Config(str(tmp_path / "hlb.toml"))


def test_every_line_can_be_uncommented_and_is_good_then(tmp_path: Path) -> None:
    text = re.sub(r"^#(?=[a-z_]+ = )", "", write_example(), flags=re.MULTILINE)
    assert load(tmp_path, text) == Config(str(tmp_path / "hlb.toml"))
    assert len(re.findall(r"^[a-z_]+ = ", text, re.MULTILINE)) == len(list_keys())


@pytest.mark.parametrize("key", list_keys(), ids=lambda key: f"{key.section}.{key.name}")
def test_every_key_is_explained(key: object) -> None:
    text = " ".join(write_example().replace("\n# ", " ").split())
    assert key.description in text  # type: ignore[attr-defined]  # an object for the ids alone
