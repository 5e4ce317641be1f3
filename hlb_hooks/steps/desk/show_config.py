"""``hlb config``: whether hlb.toml is good, and where each of its values comes from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hlb_hooks.base.config import MAX_CONFIG_BYTES, Config
from hlb_hooks.base.config_keys import list_section_keys
from hlb_hooks.base.config_kinds import describe_value
from hlb_hooks.base.config_lines import locate_keys
from hlb_hooks.base.config_schema import JOBS_SECTION, SECTIONS, JobConfig
from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.base.exit_codes import ExitCode
from hlb_hooks.base.trusted_files import read_trusted
from hlb_hooks.decisions.views.documents import VERSION, ConfigDocument, KeyView
from hlb_hooks.steps.choose import read_wishes
from hlb_hooks.steps.context import Context
from hlb_hooks.steps.desk.delivery import Form, Wanted, deliver_data, deliver_lines
from hlb_hooks.steps.desk.json_form import write_json
from hlb_hooks.steps.desk.lines import INDENT, Line, Tone
from hlb_hooks.steps.desk.words import Voice

BY_DEFAULT = "default"
# What is longer stands out alone.
_WIDE = 60


@dataclass(frozen=True)
class ShowRequest:
    """A hlb.toml that was read; ``said_by``: --config, $HLB_CONFIG, or default."""

    config: Config
    said_by: str = BY_DEFAULT
    wanted: Wanted = field(default_factory=Wanted)


def validate(context: Context, config: Config) -> ExitCode:
    """Check what each job names, too, and say all that is wrong. 2: something is."""
    speaker = context.speaker
    speaker.say("config_is_good", path=config.path)
    exit_code = ExitCode.DONE
    for name, job in config.jobs.items():
        try:
            wishes = read_wishes(config, name)
        except ConfigurationError as error:
            exit_code = error.exit_code
            for line in error.message.splitlines():
                speaker.say("error", text=line)
            speaker.say("next_step", text=error.next_step, indent=INDENT)
            continue
        speaker.say("targets_are_good", job=name, path=job.targets, count=len(wishes.targets))
        if job.attributes:
            speaker.say("table_is_good", job=name, path=job.attributes, count=len(wishes.rows))
    return exit_code


def show(context: Context, request: ShowRequest) -> ExitCode:
    """Show every key with the value in force and where that is from. Raise ConfigurationError."""
    content = read_trusted(request.config.path, "configuration file", MAX_CONFIG_BYTES)
    lines = locate_keys(content.decode("utf-8").removeprefix("\ufeff"))
    keys = tuple(_list_keys(request.config, lines))
    if request.wanted.form is Form.JSON:
        document = ConfigDocument("hlb-config", VERSION, request.config.path, request.said_by, keys)
        deliver_data(context, request.wanted, write_json(document))
    else:
        deliver_lines(context, request.wanted, list(_tell(request, keys, context.speaker)))
    return ExitCode.DONE


def _list_keys(config: Config, lines: dict[tuple[str, ...], int]) -> Iterator[KeyView]:
    tables: list[tuple[tuple[str, ...], type, Any]] = [
        ((section,), section_class, getattr(config, section))
        for section, section_class in SECTIONS.items()
    ]
    tables += [((JOBS_SECTION, name), JobConfig, job) for name, job in config.jobs.items()]
    for path, section_class, values in tables:
        section = ".".join(path)
        for key in list_section_keys(section, section_class):
            line = lines.get((*path, key.name))
            yield KeyView(section, key.name, getattr(values, key.name), line)


def _tell(request: ShowRequest, keys: tuple[KeyView, ...], voice: Voice) -> Iterator[Line]:
    said_by = request.said_by
    if said_by == BY_DEFAULT:
        said_by = voice.phrase("by_default")
    yield Line(f"# {voice.phrase('config_file', path=request.config.path, said_by=said_by)}")
    texts = [f"{key.key} = {describe_value(key.value)}" for key in keys]
    width = max(len(text) for text in texts if len(text) < _WIDE)
    section = ""
    for text, key in zip(texts, keys, strict=True):
        if key.section != section:
            section = key.section
            yield Line("")
            yield Line(f"[{section}]", tone=Tone.HEAD)
        where = voice.phrase("from_default")
        if key.line is not None:
            where = voice.phrase("from_line", line=key.line)
        yield Line(f"{text.ljust(width)}  # {where}", tone=Tone.PLAIN if key.line else Tone.QUIET)
