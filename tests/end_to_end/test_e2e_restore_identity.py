"""Whether what ``hlb restore`` makes is the VM itself or a copy: UUID, name, network cards."""

from pathlib import Path

import pytest
from restore_kit import KEPT, RestoreSite, read_keys, replace

CARDS = [
    'Ethernet0.present = "TRUE"',
    'ethernet0.addressType = "generated"',
    'ethernet0.generatedAddress = "00:0c:29:2c:3a:fc"',
    'ethernet0.generatedAddressOffset = "0"',
    'ethernet1.present = "TRUE"',
    'ethernet1.addressType = "vpx"',
    'ethernet1.generatedAddress = "00:50:56:91:48:c7"',
    'ethernet1.startConnected = "TRUE"',
    'ethernet2.present = "TRUE"',
    'ethernet2.addressType = "static"',
    'ethernet2.address = "00:50:56:00:00:01"',
    'ethernet3.present = "FALSE"',
    'ethernet3.generatedAddress = "00:0c:29:2c:3a:10"',
]


@pytest.fixture
def site(tmp_path: Path) -> RestoreSite:
    return RestoreSite(tmp_path / "site")


@pytest.fixture
def copy(site: RestoreSite, tmp_path: Path) -> Path:
    """A copy in another folder; the original lives on."""
    vmx = site.host.add_vm("web", extra_lines=CARDS)
    return site.back_up(vmx, is_lost=False).put_back(tmp_path / "copy")


def lose(site: RestoreSite) -> None:
    site.lose(site.host.registered()[0])


def test_elsewhere_it_must_be_said_which_of_the_two_it_is(site: RestoreSite, copy: Path) -> None:
    words = site.refuse(copy, exit_code=2)
    assert "is this the VM itself or a copy of it?" in words
    assert "say --uuid keep if the original is gone for good" in words


def test_in_the_original_folder_under_a_registered_path_it_must_be_said(
    site: RestoreSite,
) -> None:
    vmx = site.host.add_vm("web", power="off")
    backup = site.back_up(vmx, is_lost=False)
    folder = backup.put_back()
    assert "registered under this very path" in site.refuse(folder, exit_code=2)
    site.restore(folder, "--uuid", "keep")


def test_where_the_host_cannot_be_asked_it_must_be_said(site: RestoreSite) -> None:
    folder = site.back_up(site.host.add_vm("web")).put_back()
    site.host.configure(fail=[{"exit_code": 14, "text": "VMControl error -14: x", "command": "-l"}])
    words = site.refuse(folder, exit_code=2)
    assert "the host cannot be asked which VMs it has" in words
    assert "whether the original is registered here is not known" in words
    site.restore(folder, "--uuid", "keep")


def test_where_no_file_tells_the_original_place_it_must_be_said(site: RestoreSite) -> None:
    vmx = site.host.add_vm("web")
    backup = site.back_up(vmx, has_claim=False, has_saved=False)
    folder = backup.change("web.vmx", replace("sched.swap.derivedName", "some.key")).put_back()
    site.refuse(folder, exit_code=2)
    site.restore(folder, "--uuid", "create")


def test_a_copy_gets_an_identity_and_addresses_of_its_own(site: RestoreSite, copy: Path) -> None:
    outcome = site.restore(copy, "--uuid", "create", "--name", "web copy")
    keys = read_keys(copy / "web.vmx")
    assert keys["uuid.action"] == "create"
    assert keys["displayname"] == "web copy"
    assert [key for key in keys if "generatedaddress" in key] == ["ethernet3.generatedaddress"]
    assert keys["ethernet2.address"] == "00:50:56:00:00:01"
    assert "ethernet2 has the static address 00:50:56:00:00:01" in outcome.stdout
    assert keys["uuid.bios"] == read_keys(copy / KEPT / "web.vmx")["uuid.bios"]


def test_the_vm_itself_keeps_its_addresses(site: RestoreSite, copy: Path) -> None:
    lose(site)
    outcome = site.restore(copy, "--uuid", "keep")
    keys = read_keys(copy / "web.vmx")
    assert keys["uuid.action"] == "keep"
    assert keys["ethernet0.generatedaddress"] == "00:0c:29:2c:3a:fc"
    assert keys["ethernet1.generatedaddress"] == "00:50:56:91:48:c7"
    assert "static address" not in outcome.stdout


def test_network_cards_are_unplugged_when_asked(site: RestoreSite, copy: Path) -> None:
    lose(site)
    site.restore(copy, "--uuid", "keep", "--network", "disconnect")
    keys = read_keys(copy / "web.vmx")
    unplugged = {key for key in keys if key.endswith("startconnected") and keys[key] == "FALSE"}
    assert unplugged == {f"ethernet{number}.startconnected" for number in range(3)}


def test_the_same_identity_twice_on_one_host_is_refused(site: RestoreSite, copy: Path) -> None:
    words = site.refuse(copy, "--uuid", "keep", "--name", "another")
    assert "is registered with the same uuid.bios" in words


def test_a_name_that_is_taken_is_refused(site: RestoreSite, copy: Path) -> None:
    assert "a VM named 'web' is registered already" in site.refuse(copy, "--uuid", "create")
    site.host.add_vm("db", display_name="the database")
    words = site.refuse(copy, "--uuid", "create", "--name", "the database")
    assert "a VM named 'the database' is registered already" in words
    assert "--name NAME" in words


def test_a_wish_once_said_need_not_be_said_again(site: RestoreSite, copy: Path) -> None:
    site.restore(copy, "--uuid", "create", "--name", "web copy")
    site.restore(copy, "--register")
    assert read_keys(copy / "web.vmx")["uuid.action"] == "create"


def test_uuid_action_gets_back_the_value_it_had(site: RestoreSite, copy: Path) -> None:
    lose(site)
    for name in ("web.vmx", "web.vmx.hlb"):
        text = (copy / name).read_text()
        (copy / name).write_text(text + 'uuid.action = "keep"\n')
    site.restore(copy, "--uuid", "create", "--register", "--power-on")
    assert read_keys(copy / "web.vmx")["uuid.action"] == "keep"


@pytest.mark.parametrize(
    ("encoding", "name", "wanted"),
    [
        ("UTF-8", "Müller żółw", "Müller żółw".encode()),
        ("windows-1252", "Müller", "Müller".encode("cp1252")),
        ("windows-1250", "żółw", "żółw".encode("cp1250")),
        ("Shift_JIS", "東京", "東京".encode("cp932")),
        ("UTF-8", 'a "b" | c', b"a |22b|22 |7C c"),
    ],
)
def test_a_name_is_written_in_the_files_encoding(
    site: RestoreSite, copy: Path, encoding: str, name: str, wanted: bytes
) -> None:
    path = copy / "web.vmx.hlb"
    path.write_bytes(path.read_bytes().replace(b'"UTF-8"', f'"{encoding}"'.encode()))
    site.restore(copy, "--uuid", "create", "--name", name)
    assert b'displayName = "' + wanted + b'"\n' in (copy / "web.vmx").read_bytes()


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("windows-1252", "żółw"), ("Shift_JIS", "żółw")],
)
def test_a_name_that_the_files_encoding_lacks_is_a_mistake(
    site: RestoreSite, copy: Path, encoding: str, name: str
) -> None:
    path = copy / "web.vmx.hlb"
    path.write_bytes(path.read_bytes().replace(b'"UTF-8"', f'"{encoding}"'.encode()))
    words = site.refuse(copy, "--uuid", "create", "--name", name, exit_code=2)
    assert f"cannot be written in the file's encoding, {encoding}" in words


def test_a_name_that_is_not_utf_8_is_a_mistake(site: RestoreSite, copy: Path) -> None:
    words = site.refuse(copy, "--uuid", "create", "--name", "caf\udce9", exit_code=2)
    assert "caf\\xe9" in words
