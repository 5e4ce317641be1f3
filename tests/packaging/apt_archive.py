"""An archive of Debian's kind in a folder, signed by a key of its own, for this machine's apt."""

import hashlib
import os
import subprocess
from pathlib import Path

SUITE = "trixie"
BINARY = """\
Package: something
Version: 1
Architecture: amd64
Filename: pool/something.deb
Size: 1
SHA256: 0000000000000000000000000000000000000000000000000000000000000000
"""


class Archive:
    """Source packages of small files; ``keyring`` has the key that signs them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "archive"
        self.keyring = folder / "keyring.gpg"
        self._keys = folder / "keys"
        self._keys.mkdir(mode=0o700)
        self.pool = self.root / "pool"
        self.pool.mkdir(parents=True)
        self._stanzas: dict[tuple[str, str], str] = {}
        user = "Archive <archive@example.org>"
        self._gpg("--passphrase", "", "--quick-generate-key", user, "ed25519", "sign")
        self._gpg("--output", self.keyring, "--export")

    def _gpg(self, *words: str | Path) -> None:
        command = ["gpg", "--homedir", self._keys, "--batch", "--yes", "--quiet", *words]
        subprocess.run(command, check=True)

    def close(self) -> None:
        """End the agent that gpg has started."""
        subprocess.run(["gpgconf", "--homedir", self._keys, "--kill", "all"], check=True)

    def add(self, package: str, version: str, files: dict[str, str]) -> None:
        """Put a version of a source package there; ``files`` are texts by name."""
        version_in_names = version.rpartition(":")[2]
        files = {**files, f"{package}_{version_in_names}.dsc": f"Source: {package}\n"}
        sums: dict[str, list[str]] = {"md5": [], "sha256": []}
        for name, text in files.items():
            (self.pool / name).write_text(text)
            for kind, lines in sums.items():
                digest = hashlib.new(kind, text.encode()).hexdigest()
                lines.append(f" {digest} {len(text.encode())} {name}")
        fields = [
            f"Package: {package}",
            f"Binary: {package}",
            f"Version: {version}",
            "Format: 3.0 (quilt)",
            "Architecture: any",
            "Directory: pool",
            "Files:",
            *sums["md5"],
            "Checksums-Sha256:",
            *sums["sha256"],
        ]
        self._stanzas[package, version] = "\n".join(fields) + "\n"
        self.publish()

    def drop(self, package: str, version: str) -> None:
        """Let a version be gone, as when a later one has come."""
        del self._stanzas[package, version]
        self.publish()

    def publish(self) -> None:
        """Write the index and sign it."""
        suite = self.root / "dists" / SUITE
        indexes = {
            "main/source/Sources": "\n".join(self._stanzas.values()),
            # apt does not list an archive that has nothing for this machine.
            "main/binary-amd64/Packages": BINARY,
        }
        lines = ["Label: Debian", f"Suite: {SUITE}", f"Codename: {SUITE}"]
        lines += ["Date: Thu, 01 Jan 2026 00:00:00 UTC", "Architectures: amd64"]
        lines += ["Components: main", "SHA256:"]
        for name, text in indexes.items():
            path = suite / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            lines.append(f" {hashlib.sha256(text.encode()).hexdigest()} {len(text)} {name}")
        release = suite / "Release"
        release.write_text("\n".join(lines) + "\n")
        self._gpg("--clearsign", "--output", suite / "InRelease", release)

    def configure_apt(self, folder: Path) -> Path:
        """Give the configuration of an apt that has this archive, and has not seen it yet."""
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        source = f"deb [signed-by={self.keyring}] file:{self.root} {SUITE} main\n"
        (folder / "sources.list").write_text(source)
        settings = {
            "Dir::Etc::SourceList": folder / "sources.list",
            "Dir::Etc::SourceParts": "-",
            "Dir::State::Lists": folder / "lists",
            "Dir::Cache": folder / "cache",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
        }
        path = folder / "apt.conf"
        path.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()))
        return path
