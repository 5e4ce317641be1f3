"""The configuration: read from hlb.toml, stored with a run, and read back by its end."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from hlb_hooks.base.config_check import (
    find_contradictions,
    find_missing_targets,
    find_short_retentions,
    find_unknown_names,
    read_jobs,
    read_section,
)
from hlb_hooks.base.config_kinds import describe_value
from hlb_hooks.base.config_schema import (
    DEFAULT_JOB,
    JOBS_SECTION,
    SECTIONS,
    HostConfig,
    JobConfig,
    PathsConfig,
    RunConfig,
)
from hlb_hooks.base.config_snapshot import SnapshotConfig
from hlb_hooks.base.errors import ConfigurationError, UsageError
from hlb_hooks.base.names import JOB_NAME
from hlb_hooks.base.places import DEFAULT_CONFIG_PATH
from hlb_hooks.base.text import escape
from hlb_hooks.base.trusted_files import read_trusted

CONFIG_VARIABLE = "HLB_CONFIG"
MAX_CONFIG_BYTES = 1 << 20
_TOML_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


@dataclass(frozen=True)
class Config:
    """One configuration in force; ``path`` is the file it came from. ``Config(path)``: defaults."""

    path: str
    host: HostConfig = field(default_factory=HostConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    run: RunConfig = field(default_factory=RunConfig)
    snapshot: SnapshotConfig = field(default_factory=SnapshotConfig)
    jobs: Mapping[str, JobConfig] = field(default_factory=lambda: read_jobs({}, []))

    def job(self, name: str) -> JobConfig:
        """Give the job ``name``. Raises ConfigurationError, naming the jobs there are."""
        try:
            return self.jobs[name]
        except KeyError:
            raise ConfigurationError(
                f"{escape(self.path)}: there is no job {describe_value(name)};"
                f" configured: {', '.join(sorted(self.jobs))}",
                next_step="name one of these, or add [jobs.NAME] with its targets",
            ) from None

    def to_json(self) -> str:
        """Give the configuration as one line of ASCII."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Read what ``to_json`` wrote, in this version or another.

        A key that is missing has its default, and a key that nobody knows is passed over. Raises
        ConfigurationError if the text is no JSON object or a value is not what its key allows.
        """
        try:
            tables = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _stored_is_damaged([str(error)]) from error
        if not isinstance(tables, dict):
            raise _stored_is_damaged([f"expected an object, found {describe_value(tables)}"])
        problems: list[str] = []
        path = tables.get("path", DEFAULT_CONFIG_PATH)
        if not isinstance(path, str):
            problems.append(f"path = {describe_value(path)}: expected string")
        config = _build(path, tables, problems)
        if problems:
            raise _stored_is_damaged(problems)
        return config


def find_config_path(option: str | None, environ: Mapping[str, str]) -> str:
    """Give the absolute path of the configuration: --config, else $HLB_CONFIG, else the usual one.

    A relative one counts from the present working directory. Raises UsageError if --config is
    given and empty: somebody's variable was not set, and the usual file was not meant.
    """
    if option == "":
        raise UsageError("--config is empty", next_step="say --config FILE")
    return str(Path(option or environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG_PATH).absolute())


def load_config(path: str) -> Config:
    """Read the configuration file ``path``.

    Raises ConfigurationError for a file that ``read_trusted`` refuses, that is not UTF-8 or not
    TOML, or that has unknown keys, wrong types or impossible values: all of them, one a line.
    """
    content = read_trusted(
        path,
        "configuration file",
        MAX_CONFIG_BYTES,
        if_missing=f"create it, or name another with --config FILE or ${CONFIG_VARIABLE}",
    )
    tables = _parse_toml(_decode(content, path), path)
    problems = find_unknown_names(tables)
    config = _build(path, tables, problems)
    problems += find_missing_targets(tables) + find_contradictions(config.snapshot)
    problems += find_short_retentions(config.jobs)
    if problems:
        raise ConfigurationError(
            "\n".join(f"{escape(path)}: {problem}" for problem in problems),
            next_step="correct the file; no VM was touched",
        )
    return config


def job_of_script(argv0: str) -> str:
    """Give the job a hook was started for: what follows the first dot of the script's own name.

    ``.../initial_backup.gold`` is job ``gold``, ``initial_backup`` is job ``default``. Raises
    UsageError if that can be no job's name.
    """
    script = argv0.rpartition("/")[2]
    _, dot, job = script.partition(".")
    if not dot:
        return DEFAULT_JOB
    if JOB_NAME.fullmatch(job) is None:
        raise UsageError(
            f"{escape(argv0)}: {describe_value(job)}, which follows the dot, is no job's name:"
            " expected 1 to 32 characters from A-Z a-z 0-9 _ -",
            next_step="rename the link, or say --job JOB",
        )
    return job


def _build(path: str, tables: Mapping[str, Any], problems: list[str]) -> Config:
    sections = {
        section: section_class(
            **read_section(section, section_class, tables.get(section, {}), problems)
        )
        for section, section_class in SECTIONS.items()
    }
    return Config(path, jobs=read_jobs(tables.get(JOBS_SECTION, {}), problems), **sections)


def _decode(content: bytes, path: str) -> str:
    try:
        # Editors of another system put a byte order mark in front; TOML knows none.
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line_number = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{escape(path)}, line {line_number}: byte 0x{content[error.start]:02x} is not UTF-8",
            next_step="save the file as UTF-8",
        ) from error


def _parse_toml(text: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        _raise_syntax_error(path, text, str(error), error)
    except RecursionError as error:
        _raise_syntax_error(path, text, "tables or lists are nested too deeply", error)
    except ValueError as error:
        # An integer of thousands of digits: Python's own limit, and tomllib gives no place.
        _raise_syntax_error(path, text, str(error), error)


def _raise_syntax_error(path: str, text: str, reason: str, error: Exception) -> NoReturn:
    place = ""
    if match := _TOML_PLACE.fullmatch(reason):
        reason, line, column = match.groups()
        if line is None:
            # tomllib names no place there, and an editor wants one.
            line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        place = f", line {line}, column {column}"
    raise ConfigurationError(
        f"{escape(path)}{place}: not TOML: {escape(reason)}",
        next_step="correct the file; no VM was touched",
    ) from error


def _stored_is_damaged(problems: list[str]) -> ConfigurationError:
    return ConfigurationError(
        "\n".join(f"the configuration stored with the run: {problem}" for problem in problems),
        next_step="the state file was changed by another; the defaults can stand in",
    )
