"""A small shop on a server of the suite: the database whose backups the tests take, break and look into."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checks.backup.store import FolderStore
from checks.backup.take import Source, take
from checks.targets.client import client_environment
from checks.targets.embedded import EmbeddedServer
from tests.backup.cells import CELLS, XML
from tests.majors import is_whole

_SQL = Path(__file__).with_name("shop.sql")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Shop:
    """One database, filled. `close` drops it."""

    server: EmbeddedServer
    database: str

    @classmethod
    def on(cls, server: EmbeddedServer) -> Shop:
        """A new shop."""
        shop = cls(server, f"shop_{next(_numbers)}")
        server.create_database(shop.database)
        shop.run(_SQL.read_text(encoding="utf-8") + "".join(cell.made for cell in CELLS))
        if is_whole(server.binaries):
            shop.run(f"CREATE EXTENSION citext; {XML.made}")
        return shop

    @contextmanager
    def changed(self, sql: str) -> Iterator[Shop]:
        """A copy of the shop on which `sql` was run, dropped afterwards."""
        copy = Shop(self.server, f"shop_{next(_numbers)}")
        self.server.execute(f"CREATE DATABASE {copy.database} TEMPLATE {self.database}")
        try:
            copy.run(sql)
            yield copy
        finally:
            copy.close()

    def run(self, sql: str) -> None:
        """Run a script in it, as superuser."""
        with self.server.connect(self.database) as connection:
            connection.execute(sql.encode())

    def dump(self, *options: str, program: str = "pg_dump") -> bytes:
        """What pg_dump writes to its standard output, or nothing where it is given `--file`."""
        command: list[str | Path] = [self.server.binaries.program(program), "--no-password", *options]
        with client_environment(self.server.socket_endpoint(self.database)) as variables:
            done = subprocess.run(
                command, env={**variables, **self.server.binaries.environment}, capture_output=True, check=True
            )
        return done.stdout

    def close(self) -> None:
        """Drop it."""
        self.server.drop_database(self.database)


@dataclass(frozen=True)
class Healthy:
    """A shop and one healthy backup of it in each format. Nothing here is ever changed: faults are made of copies."""

    shop: Shop
    folder: Path

    @classmethod
    def of(cls, shop: Shop, folder: Path) -> Healthy:
        """Take a backup in each format."""
        healthy = cls(shop, folder)
        shop.dump("--format=custom", f"--file={healthy.custom}")
        shop.dump("--format=directory", f"--file={healthy.directory}")
        shop.dump("--format=tar", f"--file={healthy.tar}")
        shop.dump("--format=plain", f"--file={healthy.plain}")
        return healthy

    @property
    def custom(self) -> Path:
        return self.folder / "shop.dump"

    @property
    def directory(self) -> Path:
        return self.folder / "shop.dir"

    @property
    def tar(self) -> Path:
        return self.folder / "shop.tar"

    @property
    def plain(self) -> Path:
        return self.folder / "shop.sql"

    @property
    def proven(self) -> Path:
        """A backup that pgrunbook took, with its manifest. It is made when it is first asked for."""
        folder = self.folder / "proven"
        if not folder.is_dir():
            source = Source("shop", "prod", self.shop.server.socket_endpoint(self.shop.database))
            take(source, FolderStore(folder))
        [path] = folder.glob("*.dump")
        return path

    @property
    def all(self) -> tuple[Path, ...]:
        return (self.custom, self.directory, self.tar, self.plain)
