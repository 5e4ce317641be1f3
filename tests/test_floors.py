"""The house keeps its floors: who may import whom, and what is installed under which name."""

import ast
import configparser
import os
import re
from pathlib import Path

import pytest

import hlb_hooks
from hlb_hooks.entry import hook_scripts
from hlb_hooks.entry.arguments import HOOKS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hlb_hooks"
# As the package's own docstring lists them.
FLOORS = re.findall(r"^    ([a-z]+)  ", hlb_hooks.__doc__ or "", re.MULTILINE)
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def name_module(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def list_imports(path: Path) -> set[str]:
    """Give what a module imports anywhere in it, in functions too, as full names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the floor"
            module = node.module or ""
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def floor_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "hlb_hooks" else ""


def list_top_packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in list_imports(path)}


def test_the_floors_are_those_that_are_built() -> None:
    assert FLOORS == ["entry", "steps", "decisions", "effects", "vmfiles", "base"]
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == {*FLOORS, "lab"}


@pytest.mark.parametrize("path", MODULES, ids=name_module)
def test_an_import_only_goes_down(path: Path) -> None:
    own = floor_of(name_module(path))
    if own not in FLOORS:
        return
    allowed = set(FLOORS[FLOORS.index(own) :])
    if own == "entry":
        allowed.add("lab")
    used = {floor_of(name) for name in list_imports(path)} & {*FLOORS, "lab"}
    assert used <= allowed


@pytest.mark.parametrize("path", MODULES, ids=name_module)
def test_nothing_but_an_entry_knows_the_lab(path: Path) -> None:
    used = {floor_of(name) for name in list_imports(path)}
    assert "lab" not in used or floor_of(name_module(path)) in {"entry", "lab"}
    assert "lab" not in used or not name_module(path).startswith("hlb_hooks.entry.hook")


def test_only_one_room_runs_commands_of_the_host() -> None:
    assert {name_module(path) for path in MODULES if "sh" in list_top_packages(path)} == {
        "hlb_hooks.effects.commands"
    }


def test_only_one_room_knows_structlog() -> None:
    assert {name_module(path) for path in MODULES if "structlog" in list_top_packages(path)} == {
        "hlb_hooks.base.logs"
    }


@pytest.mark.parametrize("floor", [floor for floor in FLOORS if floor not in {"effects", "entry"}])
def test_processes_are_started_by_effects_alone(floor: str) -> None:
    for path in sorted((PACKAGE / floor).rglob("*.py")):
        text = path.read_text("utf-8")
        used = list_top_packages(path) & {"subprocess", "multiprocessing", "pty"}
        assert not used, path
        assert not re.search(r"\bos\.(fork|exec\w*|spawn\w*|posix_spawn\w*|system|popen)\(", text)


@pytest.mark.parametrize("floor", ["decisions", "vmfiles"])
def test_what_is_pure_opens_no_file_and_asks_no_clock(floor: str) -> None:
    for path in sorted((PACKAGE / floor).rglob("*.py")):
        imports = list_imports(path)
        assert not imports & {"time", "hlb_hooks.base.clock", "socket", "shutil", "fcntl"}, path
        names = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "open" not in names, path


@pytest.mark.parametrize("hook", sorted(HOOKS))
def test_a_hook_s_script_is_the_rendered_one_and_thin(hook: str) -> None:
    script = ROOT / "hooks" / hook
    assert script.read_text("utf-8") == hook_scripts.render(hook)
    assert os.access(script, os.X_OK)
    assert len(script.read_text("utf-8").splitlines()) <= 10


def test_there_are_five_hooks() -> None:
    assert {path.name for path in (ROOT / "hooks").iterdir()} == set(HOOKS)
    assert sorted(HOOKS) == [
        "compare_backup",
        "initial_backup",
        "initial_umount",
        "snap_remove",
        "snap_request",
    ]


def read_console_scripts() -> dict[str, str]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    lines = setup["options.entry_points"]["console_scripts"].split("\n")
    pairs = (line.split("=", 1) for line in lines if line)
    return {name.strip(): target.strip() for name, target in pairs}


def test_the_console_scripts_are_the_five_hooks_and_hlb() -> None:
    hooks = {hook: f"hlb_hooks.entry.hooks:{hook}" for hook in HOOKS}
    assert read_console_scripts() == {**hooks, "hlb": "hlb_hooks.entry.hlb:main"}


@pytest.mark.parametrize("target", sorted(read_console_scripts().values()))
def test_a_console_script_s_target_is_there(target: str) -> None:
    module, _, function = target.partition(":")
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    tree = ast.parse(path.read_text("utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
