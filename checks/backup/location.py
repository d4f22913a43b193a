"""Where a page's backups lie: a folder, or what a variable holds. No address is ever taken from a document itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from checks.backup.listing import Folder, Listing
from checks.errors import CouldNotTell, UsageError
from checks.targets.envfile import REFERENCE

REMOTE = ("s3://", "gs://")
NO_LOCATION = "backup.no_location"


def resolved(location: str, variables: Mapping[str, str]) -> str:
    """The location with its `${VARIABLE}` filled in. Raises CouldNotTell where one is not set, or is empty."""
    if location.startswith(REMOTE):
        raise CouldNotTell(
            "The page names a bucket as the location of its backups, and addresses are not taken from pages.",
            code=NO_LOCATION,
            hint="Write `${VARIABLE}` in its place, and set that variable to the bucket.",
        )
    for name in REFERENCE.findall(location):
        if not variables.get(name):
            raise CouldNotTell(
                f"The variable {name}, which says where the backups lie, is not set.",
                code=NO_LOCATION,
                hint=f"Set it to a folder, or to s3://bucket/prefix or gs://bucket/prefix, as in `export {name}=…`, "
                "or in the file --env-file names.",
            )
    return REFERENCE.sub(lambda reference: variables[reference[1]], location)


def listing_of(location: str, folder: Path, variables: Mapping[str, str]) -> Listing:
    """The place that a page's `location` stands for; a relative folder is within the project's `folder`."""
    where = resolved(location, variables)
    if where.startswith(REMOTE):
        from checks.backup.bucket import Bucket

        try:
            return Bucket.of(where)
        except UsageError as mistake:
            raise CouldNotTell(mistake.sentence, code=NO_LOCATION, hint=mistake.hint) from None
    return Folder(folder / Path(where).expanduser())
