"""A hook in surroundings of somebody else's making: descriptors, locale, environment."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import esx
import pytest

BIN = Path(sys.executable).parent
SHOW = (
    "import os, sys; from hlb_hooks.entry.surroundings import settle_in; settle_in();"
    "print(sorted(os.environ), sys.getfilesystemencoding(), oct(os.umask(0)))"
)


@pytest.fixture(scope="module")
def latin_locale(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make a Polish locale that is not UTF-8; give the variables that choose it."""
    if not Path("/usr/share/i18n/charmaps/ISO-8859-2.gz").exists():
        pytest.skip("needs the Debian package locales")
    folder = tmp_path_factory.mktemp("locales")
    localedef = shutil.which("localedef") or "localedef"
    subprocess.run(
        [localedef, "-f", "ISO-8859-2", "-i", "pl_PL", str(folder / "pl_PL")], check=True
    )
    return {"LOCPATH": str(folder), "LANG": "pl_PL", "LC_ALL": "pl_PL"}


def show(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-c", SHOW], env=environment, capture_output=True, check=True
    )
    return done.stdout.decode("utf-8")


def test_nothing_of_the_callers_environment_stays_but_what_is_ours() -> None:
    shown = show(LD_LIBRARY_PATH="/nonexistent", PATH="/evil", HLB_CONFIG="/x", FOO="bar", TZ="UTC")
    assert shown.startswith("['HLB_CONFIG', 'HOME', 'LANG', 'LC_ALL', 'PATH', 'TZ'] utf-8 0o77")


def test_the_locale_of_the_test_is_really_not_utf8(latin_locale: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", "import sys; print(sys.getfilesystemencoding())"],
        env=latin_locale,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout != "utf-8\n"


def test_names_are_utf8_whatever_the_locale(latin_locale: dict[str, str], tmp_path: Path) -> None:
    host = esx.Host.create(tmp_path / "host")
    host.add_vm("księgowość", display_name="Księgowość żółta")
    (tmp_path / "targets").write_text("Księgowość żółta\n", "utf-8")
    (tmp_path / "targets").chmod(0o600)
    config = tmp_path / "ustawień.toml"
    config.write_text(
        f'[host]\nvmware_cmd = "{host.vmware_cmd}"\n'
        f'[paths]\nstate_dir = "{tmp_path}/state"\nlog_file = "{tmp_path}/log"\n'
        f'[jobs.default]\ntargets = "{tmp_path}/targets"\n',
        "utf-8",
    )
    config.chmod(0o600)
    outputs = {
        subprocess.run(
            [str(BIN / "compare_backup"), "--config", str(config)],
            env=environment,
            capture_output=True,
            check=True,
        ).stdout
        for environment in (latin_locale, {"LANG": "C.UTF-8"}, {})
    }
    assert len(outputs) == 1
    assert "**found Księgowość żółta".encode() in outputs.pop()


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_closed_standard_descriptor_is_never_taken_by_a_file(
    closed: tuple[int, ...], tmp_path: Path
) -> None:
    script = (
        "import os; from hlb_hooks.entry.surroundings import settle_in; settle_in();"
        f"descriptor = os.open({str(tmp_path / 'file')!r}, os.O_CREAT | os.O_WRONLY);"
        "os.write(descriptor, b'%d' % descriptor)"
    )
    child = os.fork()
    if child == 0:
        for descriptor in closed:
            os.close(descriptor)
        os.execve(sys.executable, [sys.executable, "-I", "-c", script], {})
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert int((tmp_path / "file").read_text()) > 2
