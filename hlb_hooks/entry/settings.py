"""The settings a program works by, and what it goes on with when hlb.toml cannot be used."""

import os
from dataclasses import dataclass

from hlb_hooks.base.config import Config, load_config
from hlb_hooks.base.config_salvage import salvage_state_dirs
from hlb_hooks.base.errors import HlbError
from hlb_hooks.effects.found_runs import find_runs
from hlb_hooks.effects.guard_process import list_guarded_folders
from hlb_hooks.steps.run_head import name_host


@dataclass(frozen=True)
class EndSettings:
    """What the end of a run needs before it has found its run."""

    config: Config
    state_dirs: tuple[str, ...]
    trouble: str


def load_end_settings(path: str, job: str | None = None) -> EndSettings:
    """Read the settings, the folders of state files, and what is wrong with hlb.toml or the job.

    The end of a run goes by the settings stored with it. A hlb.toml that cannot be used, or that
    names another state folder than yesterday, is no reason to leave a snapshot open.
    """
    trouble = ""
    config: Config | None = None
    folders: list[str] = []
    try:
        config = load_config(path)
        folders = [config.paths.state_dir]
        if job is not None:
            config.job(job)
    except HlbError as error:
        trouble = error.message
        config = config or Config(path)
        folders = folders or salvage_state_dirs(path)
    guarded = list_guarded_folders()
    # A folder that is known already is not read for this: it is the one that has most to read.
    others = [folder for folder in guarded if folder not in folders]
    folders += others if trouble else [folder for folder in others if _is_of_host(folder, config)]
    # One folder by two names would end each run twice.
    normal = dict.fromkeys(os.path.realpath(folder) for folder in folders)
    return EndSettings(config, tuple(normal), trouble)


def _is_of_host(folder: str, config: Config) -> bool:
    """Tell whether a guard's folder is this host's: a lab has several hosts on one machine.

    By the file its runs were configured by, or by the host's name: either may be another today.
    """
    try:
        runs = find_runs(folder).runs
    except HlbError:
        return True  # said by the step
    return not runs or any(
        entry.digest.config_path == config.path or entry.digest.host == name_host(config)
        for entry in runs
    )
