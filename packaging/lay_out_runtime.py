"""lay_out_runtime.py INTERPRETER OUT: what the RPM installs, from the compiled interpreter.

INTERPRETER is what make_interpreter.py made. OUT gets ``bin``, ``lib`` with the library, the
dependencies and this package as ``.pyc`` alone, the licenses, and the version.

The dependencies come by pip and its own settings, held to the sums of requirements.txt. The
``.pyc`` carry no times: an RPM may set a file's time as it likes.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from hlb_hooks import __version__

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "packaging" / "runtime"
LIBRARY = "lib/python3.13"
INTERPRETER = "bin/python3.13"
_SYSCONFIG_DATA = "_sysconfigdata__linux_x86_64-linux-musl.py"


def main(arguments: list[str]) -> None:
    """Make the folder anew."""
    source, out = (Path(argument).resolve() for argument in arguments)
    shutil.rmtree(out, ignore_errors=True)
    lay_out_interpreter(source, out)
    site = out / LIBRARY / "site-packages"
    install_dependencies(site)
    copy_package(ROOT / "hlb_hooks", site / "hlb_hooks")
    shutil.copy(HERE / "sitecustomize.py", site)
    compile_all(out)
    (out / "VERSION").write_text(__version__ + "\n", "ascii")


def lay_out_interpreter(source: Path, out: Path) -> None:
    """Copy the interpreter, and of its library what is not left out."""
    left_out = read_list(HERE / "library-left-out")
    missing = sorted(name for name in left_out if not (source / "Lib" / name).exists())
    if missing:
        raise SystemExit(f"library-left-out names what is not in Lib: {', '.join(missing)}")
    (out / "bin").mkdir(parents=True)
    shutil.copy(source / "python3.13", out / INTERPRETER)

    def list_left_out(folder: str, names: list[str]) -> list[str]:
        is_top = Path(folder) == source / "Lib"
        return [
            name
            for name in names
            if (is_top and name in left_out)
            or name in {"test", "tests", "__pycache__"}
            or not (name.endswith(".py") or Path(folder, name).is_dir())
        ]

    shutil.copytree(source / "Lib", out / LIBRARY, ignore=list_left_out)
    # Its absence would be complained about at each start.
    (out / LIBRARY / "lib-dynload").mkdir()
    # zoneinfo, which dateutil loads, asks sysconfig, and that asks this module.
    (out / LIBRARY / _SYSCONFIG_DATA).write_text(
        "build_time_vars = {'TZPATH': '/usr/share/zoneinfo'}\n", "ascii"
    )
    shutil.copytree(source / "licenses", out / "licenses")


def install_dependencies(site: Path) -> None:
    """Install what requirements.txt names, and nothing that these would ask for.

    dateutil asks for tzdata, 2.7 MB that only a host without /usr/share/zoneinfo would miss, and
    only by what this package does not do.
    """
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    words += ["--only-binary=:all:", "--require-hashes", "--disable-pip-version-check"]
    words += ["--requirement", str(HERE / "requirements.txt"), "--target", str(site)]
    subprocess.run(words, check=True)
    shutil.rmtree(site / "bin", ignore_errors=True)


def copy_package(source: Path, target: Path) -> None:
    """Copy this package without its lab, which is no part of a console."""
    ignore = shutil.ignore_patterns("__pycache__", "py.typed")

    def list_left_out(folder: str, names: list[str]) -> Iterable[str]:
        lab = {"lab"} if Path(folder) == source else set()
        return {*ignore(folder, names), *lab}

    shutil.copytree(source, target, ignore=list_left_out)


def compile_all(out: Path) -> None:
    """Compile every module with the interpreter that will load it, and drop the sources."""
    environment = {"PYTHONHASHSEED": "0", "PATH": os.defpath, "LC_ALL": "C"}
    words = [str(out / INTERPRETER), "-s", "-S", "-m", "compileall", "-q", "-b"]
    words += ["--invalidation-mode", "unchecked-hash", "-s", str(out), str(out / LIBRARY)]
    subprocess.run(words, check=True, env=environment, stdin=subprocess.DEVNULL)
    for path in (*out.rglob("*.py"), *out.rglob("__pycache__")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def read_list(path: Path) -> set[str]:
    """Give the lines of a file that are no comments."""
    return {line for line in path.read_text("ascii").splitlines() if line and line[0] != "#"}


if __name__ == "__main__":
    main(sys.argv[1:])
