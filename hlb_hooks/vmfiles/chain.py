"""A virtual disk's chain of descriptors, from the one that the VM writes to down to the base."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.vmfiles.vmdk import Descriptor

# ESX refuses more than 31 snapshots in a row.
MAX_LINKS = 32


@dataclass(frozen=True, slots=True)
class Link:
    """One disk of a chain: its descriptor, where that lies, and the files its data is in.

    Paths are absolute and normalised. The data of a raw disk or mapping is a device or a pointer;
    ``descriptor`` says so.
    """

    path: str
    descriptor: Descriptor
    extent_paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A whole chain, from the top to the base; there is always at least the base."""

    links: tuple[Link, ...]

    @property
    def top(self) -> Link:
        """The link that the chain was read from: the one the VM writes to."""
        return self.links[0]

    @property
    def base(self) -> Link:
        """The last link, which has no parent."""
        return self.links[-1]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the descriptors, from the top to the base."""
        return tuple(link.path for link in self.links)

    @property
    def is_delta(self) -> bool:
        """Whether the VM writes to a delta and not to the base."""
        return len(self.links) > 1

    @property
    def broken_links(self) -> tuple[str, ...]:
        """The paths of deltas whose parent has changed since they were made.

        The host says of them: The parent virtual disk has been modified since the child was
        created. While a snapshot is being merged it is so for a moment, so it is no error here.
        """
        return tuple(
            child.path
            for child, parent in zip(self.links, self.links[1:], strict=False)
            if child.descriptor.parent_cid != parent.descriptor.cid
        )

    def extent_paths(self) -> tuple[tuple[str, ...], ...]:
        """Give the data files of each link, from the top to the base; usually one a link."""
        return tuple(link.extent_paths for link in self.links)


def read_chain(read: Callable[[str], bytes], descriptor_path: str) -> Chain:
    """Follow ``parentFileNameHint`` from a descriptor, by its absolute path, to the base.

    ``read`` gives a file's bytes or raises OSError; it need not read more than
    ``vmdk.MAX_DESCRIPTOR_BYTES`` and one. Raise VmFileError when a descriptor cannot be read or
    understood, a parent is missing or not named, a name leads outside by ``..``, or the chain
    runs in a circle or over more than 32 links.
    """
    links: list[Link] = []
    path = resolve("", descriptor_path)
    while True:
        link = _read_link(read, path, named_by=links[-1].path if links else "")
        links.append(link)
        if link.descriptor.is_base:
            _check_base(link)
            return Chain(tuple(links))
        path = _find_parent(link)
        first = escape(links[0].path)
        if any(link.path == path for link in links):
            raise VmFileError(f"the chain of {first} runs in a circle: {escape(path)} comes twice")
        if len(links) == MAX_LINKS:
            raise VmFileError(f"the chain of {first} has more than {MAX_LINKS} links")


def resolve(folder: str, name: str) -> str:
    """Give the absolute, normalised path of what ``name`` means in a file that lies in ``folder``.

    A name is relative, or absolute when what it names lies on another datastore. Raise VmFileError
    when it is empty, holds NUL or has a ``..`` step, and when the outcome is not absolute: whoever
    can write into a VM's folder must not make a root process open files anywhere else by steps
    that nobody sees. No ESX host writes such a name.
    """
    shown = f"'{escape(name)}', named by a file in '{escape(folder)}',"
    path = posixpath.join(folder, name)
    steps = path.split("/")
    if not name or "\x00" in path:
        raise VmFileError(f"{shown} is not the name of a file")
    if ".." in steps:
        raise VmFileError(
            f"{shown} leads elsewhere by '..'",
            next_step="write the absolute path instead, if this is meant",
        )
    if not path.startswith("/"):
        raise VmFileError(f"{shown} does not give an absolute path")
    # Not posixpath.normpath: it would keep a double slash at the front.
    return "/" + "/".join(step for step in steps if step not in {"", "."})


def _read_link(read: Callable[[str], bytes], path: str, *, named_by: str) -> Link:
    try:
        data = read(path)
    except OSError as error:
        whose = f", the parent named by {escape(named_by)}," if named_by else ""
        raise VmFileError(
            f"{escape(path)}{whose} cannot be read: {error.strerror or error}",
            next_step="find the file, or see whether the host is just merging a snapshot",
        ) from error
    descriptor = Descriptor.parse(data, path)
    names = (extent.file_name for extent in descriptor.extents)
    folder = posixpath.dirname(path)
    return Link(path, descriptor, tuple(resolve(folder, x) for x in names if x is not None))


def _find_parent(link: Link) -> str:
    hint = link.descriptor.parent_file_name_hint
    if hint is None:
        raise VmFileError(
            f"{escape(link.path)} has a parent (parentCID={link.descriptor.parent_cid})"
            " but does not name it"
        )
    return resolve(posixpath.dirname(link.path), hint)


def _check_base(link: Link) -> None:
    if link.descriptor.is_delta:
        raise VmFileError(
            f"{escape(link.path)} is a delta ({escape(link.descriptor.create_type)})"
            " but says it has no parent"
        )
