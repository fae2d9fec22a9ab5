"""Which file system a path lies on: pure. The shared memory of a write-ahead log does not reach over a network.

Source: Linux proc_pid_mountinfo(5); sqlite.org, "Write-Ahead Logging", section 1.
"""

from __future__ import annotations

import re

NETWORK = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse.ceph", "fuse.davfs", "fuse.davfs2", "fuse.gcsfuse",
        "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
        "nfs4", "smb2", "smb3", "smbfs",
    }
)  # fmt: skip
"""The types on which a journal is refused. `9p` is how WSL shows the drives of Windows: its other side is another kernel."""

_OCTAL = re.compile(r"\\([0-7]{3})")


def type_of(path: str, mountinfo: str) -> str:
    """Find the type of the file system that a path lies on.

    Args:
        path: Absolute, without links.
        mountinfo: What `/proc/self/mountinfo` says.

    Returns:
        The type, such as `ext4`; empty when no mount point leads to the path.
    """
    longest, found = -1, ""
    for line in mountinfo.splitlines():
        place, separator, rest = line.partition(" - ")
        fields = place.split(" ")
        if not separator or len(fields) <= _POINT:
            continue
        point = _OCTAL.sub(lambda escape: chr(int(escape[1], 8)), fields[_POINT])
        # Of two at one point the later one covers the earlier.
        if len(point) >= longest and f"{path}/".startswith(f"{point.rstrip('/')}/"):
            longest, found = len(point), rest.split(" ")[0]
    return found


_POINT = 4
"""Which field of a line is the mount point."""
