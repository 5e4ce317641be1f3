"""From parsed tables to the sections of the configuration, with every problem in words.

Problems are lines without the file's name: "run.language = 3: expected string, ...".
"""

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from hlb_hooks.base.config_keys import list_section_keys
from hlb_hooks.base.config_kinds import describe_value
from hlb_hooks.base.config_schema import (
    DEFAULT_JOB,
    JOBS_SECTION,
    SECTIONS,
    JobConfig,
    list_keys,
)
from hlb_hooks.base.config_snapshot import SnapshotConfig
from hlb_hooks.base.intervals import INTERVALS, explain_retention
from hlb_hooks.base.names import JOB_NAME
from hlb_hooks.base.text import escape


def read_section(
    section: str, section_class: type, table: object, problems: list[str]
) -> dict[str, Any]:
    """Give the values that ``table`` sets among the section's keys; wrong ones are ``problems``."""
    if not isinstance(table, Mapping):
        problems.append(f"{section} = {describe_value(table)}: expected a table, [{section}]")
        return {}
    values = {}
    for key in list_section_keys(section, section_class):
        if key.name in table:
            found = table[key.name]
            try:
                values[key.name] = key.kind.parse(found)
            except ValueError:
                problems.append(
                    f"{section}.{key.name} = {describe_value(found)}:"
                    f" expected {key.type_words}, {key.allowed_words}"
                )
    return values


def read_jobs(table: object, problems: list[str]) -> dict[str, JobConfig]:
    """Give the jobs that ``table`` names; a table that names none has the job ``default``."""
    if not isinstance(table, Mapping):
        problems.append(f"jobs = {describe_value(table)}: expected tables, [jobs.NAME]")
        return {}
    jobs = {}
    for name, job_table in table.items():
        if JOB_NAME.fullmatch(name) is None:
            problems.append(
                f"jobs.{describe_value(name)} = {describe_value(job_table)}:"
                " expected a job's name of 1 to 32 characters from A-Z a-z 0-9 _ -"
            )
            continue
        jobs[name] = JobConfig(
            name, **read_section(f"{JOBS_SECTION}.{name}", JobConfig, job_table, problems)
        )
    return jobs or {DEFAULT_JOB: JobConfig(DEFAULT_JOB)}


def find_unknown_names(tables: Mapping[str, object]) -> list[str]:
    """Name the sections and keys that nobody knows, with what was probably meant."""
    problems = []
    known_sections = [*SECTIONS, JOBS_SECTION]
    for section, table in tables.items():
        if section not in known_sections:
            problems.append(_describe_unknown_section(section, table, known_sections))
        elif section == JOBS_SECTION and isinstance(table, Mapping):
            for name, job_table in table.items():
                problems += _find_unknown_keys(f"{JOBS_SECTION}.{name}", JobConfig, job_table)
        elif section != JOBS_SECTION:
            problems += _find_unknown_keys(section, SECTIONS[section], table)
    return problems


def find_missing_targets(tables: Mapping[str, object]) -> list[str]:
    """Name the jobs but ``default`` that say no targets: two jobs share no list by accident."""
    jobs = tables.get(JOBS_SECTION, {})
    return [
        f"{JOBS_SECTION}.{name}.targets is missing: expected string, an absolute path"
        for name, table in (jobs.items() if isinstance(jobs, Mapping) else ())
        if isinstance(table, Mapping) and "targets" not in table
        if name != DEFAULT_JOB and JOB_NAME.fullmatch(name)
    ]


def find_contradictions(snapshot: SnapshotConfig) -> list[str]:
    """Name values that are each allowed and cannot stand together."""
    emergency, minimum = snapshot.emergency_free_percent, snapshot.min_free_percent
    if not minimum or emergency < minimum:
        return []
    return [
        f"snapshot.emergency_free_percent = {emergency}:"
        f" expected less than snapshot.min_free_percent, {minimum}"
    ]


def find_short_retentions(jobs: Mapping[str, JobConfig]) -> list[str]:
    """Name the default intervals that are as long as their job's backups are kept."""
    problems = []
    for name, job in jobs.items():
        interval = INTERVALS.get(job.default_interval)
        key = f"{JOBS_SECTION}.{name}.retention_days"
        fault = explain_retention(interval, job.retention_days, key) if interval else ""
        if fault:
            value = describe_value(job.default_interval)
            problems.append(f"{JOBS_SECTION}.{name}.default_interval = {value}: {fault}")
    return problems


def _describe_unknown_section(section: str, table: object, known_sections: list[str]) -> str:
    suggestion = _suggest(section, known_sections)
    homes = [key.section for key in list_keys() if key.name == section]
    if homes and not isinstance(table, Mapping):
        hint = f"it belongs under [{homes[0]}]"
    elif suggestion:
        hint = f"did you mean [{suggestion}]?"
    else:
        hint = "sections are " + ", ".join(f"[{name}]" for name in known_sections)
    if isinstance(table, Mapping):
        return f"[{escape(section)}]: unknown section, {hint}"
    return f"{escape(section)} = {describe_value(table)}: unknown key outside any section, {hint}"


def _find_unknown_keys(section: str, section_class: type, table: object) -> list[str]:
    if not isinstance(table, Mapping):
        return []
    known = [key.name for key in list_section_keys(section, section_class)]
    return [
        f"{escape(section)}.{escape(name)} = {describe_value(value)}:"
        f" unknown key, {_describe_remedy(section, name, known)}"
        for name, value in table.items()
        if name not in known
    ]


def _describe_remedy(section: str, name: str, known: list[str]) -> str:
    if suggestion := _suggest(name, known):
        return f"did you mean {escape(section)}.{suggestion}?"
    for key in list_keys():
        if key.name == name:
            return f"it belongs under [{key.section}]"
    return f"[{escape(section)}] has " + ", ".join(known)


def _suggest(name: str, known: Collection[str]) -> str:
    """Give the known name that ``name`` looks like, or nothing."""
    matches = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.7)
    return matches[0] if matches else ""
