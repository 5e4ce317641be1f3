"""The settings a program works by, and what it goes on with when hlb.toml cannot be used."""

from dataclasses import dataclass

from hlb_hooks.base.config import Config, load_config
from hlb_hooks.base.config_salvage import salvage_state_dirs
from hlb_hooks.base.errors import HlbError
from hlb_hooks.effects.guard_process import list_guarded_folders


@dataclass(frozen=True)
class EndSettings:
    """What the end of a run needs before it has found its run."""

    config: Config
    state_dirs: tuple[str, ...]
    trouble: str


def load_end_settings(path: str) -> EndSettings:
    """Read the settings, the folders of state files, and what is wrong with hlb.toml.

    The end of a run goes by the settings stored with it. A hlb.toml that cannot be used, or that
    names another state folder than yesterday, is no reason to leave a snapshot open.
    """
    trouble = ""
    try:
        config = load_config(path)
        folders = [config.paths.state_dir]
    except HlbError as error:
        trouble = error.message
        config = Config(path)
        folders = salvage_state_dirs(path)
    folders += list_guarded_folders()
    return EndSettings(config, tuple(dict.fromkeys(folders)), trouble)
