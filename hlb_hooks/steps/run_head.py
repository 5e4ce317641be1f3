"""The first records of a state file: whose run it is, and what is in force until its end."""

import os

from hlb_hooks.base.config import Config
from hlb_hooks.effects import processes
from hlb_hooks.effects.owner import Owner
from hlb_hooks.effects.records import VERSION, Flag, Record, make_record


def name_host(config: Config) -> str:
    """Give this host's name, as claims bear it."""
    return config.host.name or os.uname().nodename


def make_head(name: str, job: str, owner: Owner, config: Config) -> list[Record]:
    """Give the head of the run ``name``."""
    return [
        make_record(
            Flag.STATE,
            version=str(VERSION),
            run=name,
            job=job,
            host=name_host(config),
            boot_id=processes.read_boot_id(),
        ),
        make_record(Flag.OWNER, **owner.to_details()),
        # In force from here to the run's end: a mistake made overnight in hlb.toml cannot keep a
        # snapshot open.
        make_record(Flag.CONFIG, json=config.to_json()),
    ]
