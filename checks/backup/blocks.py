"""The data of a custom archive, block after block: walked by their lengths, to see that the file goes on to its end.

A block is a kind, a number of the table of contents, and pieces of a length each up to one of length 0; one of large
objects has such pieces for each of them. PostgreSQL's `src/bin/pg_dump/pg_backup_custom.c` writes them.
"""

from __future__ import annotations

from typing import BinaryIO

from checks.backup.archive import CUSTOM, Archive, Reader, entries

_DATA, _LARGE_OBJECTS = 1, 3
_PIECE = 2**20


def last_block(found: Archive) -> int | None:
    """Where the last block begins; None where the archive does not say where all begin, as one that was piped."""
    offsets = [entry.offset for entry in found.entries if entry.has_data]
    known = [offset for offset in offsets if offset is not None]
    return max(known) if known and len(known) == len(offsets) else None


def walk(stream: BinaryIO, name: str, found: Archive, *, at: int, size: int | None) -> set[int]:
    """The numbers of the blocks from byte `at` of the file, which `stream` gives next, to its end.

    Raises BackupFault where the file ends within one, or goes on with what is none.
    """
    walker = _Walker(stream, name, size)
    walker.at, walker.int_size, walker.offset_size = at, found.int_size, found.offset_size
    walker.reached, walker.damage = "its data", "backup.data_damaged"
    seen: set[int] = set()
    while kind := walker.next_kind():
        if kind == b"\0" and seen:
            walker.second_contents(found)
        else:
            seen.add(walker.block(kind[0]))
    return seen


class _Walker(Reader):
    def next_kind(self) -> bytes:
        """The byte that a block begins with; empty at the end of the file."""
        kind = self.stream.read(1)
        self.at += len(kind)
        return kind

    def block(self, kind: int) -> int:
        """The number of the block whose kind was read, with all of it passed over."""
        number = self.number()
        if kind == _DATA:
            self._pieces()
        elif kind == _LARGE_OBJECTS:
            while self.number():
                self._pieces()
        else:
            raise self.damaged(f"a block of kind {kind}")
        return number

    def second_contents(self, found: Archive) -> None:
        """Pass over the table of contents again: pg_dump 16 and later write it behind the data where stdout is a file.

        Its first number is how many entries it has, of which the sign was read.
        """
        count = int.from_bytes(self.bytes(self.int_size), "little")
        if count != len(found.entries):
            raise self.damaged(f"neither a block nor a table of contents of {len(found.entries)} entries")
        self.reached, self.damage = "its second table of contents", "backup.toc_damaged"
        for _ in entries(self, found.version, CUSTOM, count):
            pass

    def _pieces(self) -> None:
        while length := self.number():
            if length < 0:
                raise self.damaged(f"a length of {length}")
            self._skip(length)

    def _skip(self, length: int) -> None:
        if self.size is not None:
            if self.at + length > self.size:
                self.at = self.size
                raise self.truncated()
            self.stream.seek(length, 1)
        else:
            left = length
            while left and (piece := self.stream.read(min(left, _PIECE))):
                left -= len(piece)
            if left:
                raise self.truncated()
        self.at += length
