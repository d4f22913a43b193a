"""A command that is ended by a signal in a phase of its own: what it had started, and whether any of it is left."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from checks.targets.template import HIDDEN_SUPERUSER
from tests.command import environment, heeds_interrupts
from tests.targets.embedding import is_alive

PATIENCE = 40.0  # seconds for a phase to be reached
SOON = 10.0  # seconds for what was ended to be gone
SOCKETS = "unix_socket_directories"
ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


@dataclass(frozen=True)
class Child:
    """A process below the command's."""

    number: int
    words: tuple[str, ...]


@dataclass
class Running:
    """The command, and what it runs."""

    process: subprocess.Popen[str]

    def children(self) -> list[Child]:
        """Every process below it, whatever session it is in."""
        parents: dict[int, list[int]] = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(parent, []).append(int(path.name))
        found, waiting = [], [self.process.pid]
        while waiting:
            below = parents.get(waiting.pop(), [])
            waiting += below
            found += below
        return [Child(number, _words(number)) for number in found]

    def until(self, reached: Callable[[Running], bool]) -> None:
        """Wait for a phase; the command must not end before it."""
        give_up = time.monotonic() + PATIENCE
        while not reached(self):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < give_up
            time.sleep(0.02)

    def end(self, how: signal.Signals) -> tuple[int, str, list[Child]]:
        """Send the signal; its exit code, what it said on stderr, and what it was running."""
        ran = self.children()
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=SOON)
        return self.process.returncode, said, ran


@contextmanager
def running(command: Sequence[str | Path], folder: Path, variables: Mapping[str, str]) -> Iterator[Running]:
    """The command in a folder, killed at the end where it still runs."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment(variables), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, preexec_fn=heeds_interrupts,  # noqa: PLW1509 - it takes no lock
    )  # fmt: skip
    with process:
        try:
            yield Running(process)
        finally:
            if process.poll() is None:
                process.kill()


def in_copy(one: Running) -> bool:
    """Whether somebody sleeps in the disposable server that the command runs."""
    for child in one.children():
        settings = dict(word.partition("=")[::2] for word in child.words if "=" in word)
        folder, port = settings.get(SOCKETS, "").strip('"'), settings.get("port")
        if folder and port:
            try:
                with psycopg.connect(
                    host=folder, port=int(port), user=HIDDEN_SUPERUSER, dbname="postgres", autocommit=True
                ) as connection:
                    return connection.execute(ASLEEP).fetchone() != (0,)
            except psycopg.OperationalError:
                return False  # it is not so far yet
    return False


def waits_for_lock(process: int, path: Path) -> bool:
    """Whether the process waits for the lock on a file: the kernel's list has an arrow before who does."""
    inode = f":{path.stat().st_ino} "
    locks = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and inode in line and f" {process} " in line for line in locks)


def gone(children: Sequence[Child]) -> bool:
    """Whether all of them have ended, or do so soon."""
    give_up = time.monotonic() + SOON
    while any(is_alive(one.number) for one in children):
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


def run_folders(children: Sequence[Child]) -> list[Path]:
    """Where the disposable servers among them had their files."""
    words = [word for one in children for word in one.words if word.startswith(f"{SOCKETS}=")]
    return sorted({Path(word.partition("=")[2].strip('"')).parent for word in words})


def _words(number: int) -> tuple[str, ...]:
    try:
        return tuple(Path(f"/proc/{number}/cmdline").read_bytes().decode("utf-8", "replace").split("\0"))
    except (FileNotFoundError, ProcessLookupError):
        return ()
