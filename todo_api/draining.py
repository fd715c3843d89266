"""Whether the service is stopping: one byte that the master process shares with its workers."""

from __future__ import annotations

import mmap

_flag = mmap.mmap(-1, 1)


def start_draining() -> None:
    _flag[0] = 1


def is_draining() -> bool:
    return _flag[0] == 1
