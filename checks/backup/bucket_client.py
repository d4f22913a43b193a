"""The client of one bucket, made of the usual variables, and what its errors amount to.

obstore reads AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL, … for s3://, and for gs://
GOOGLE_APPLICATION_CREDENTIALS, GOOGLE_SERVICE_ACCOUNT, GOOGLE_BASE_URL, …, or asks the machine it runs on.
https://developmentseed.org/obstore/latest/api/store/gcs/
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any

from checks.errors import CouldNotTell
from checks.secrets import mask, remember

CONNECT, REQUEST, RETRY = "5s", "60s", 15.0  # to connect, for one request, seconds for one with its retries
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_SERVICE_ACCOUNT_KEY", "GOOGLE_BEARER_TOKEN")
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}
_ACCOUNTS = ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH", "GOOGLE_SERVICE_ACCOUNT_KEY",
             "GOOGLE_APPLICATION_CREDENTIALS")  # fmt: skip # in the order in which obstore takes them
_KEYS = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that is good today.",
    "gs": "Set GOOGLE_APPLICATION_CREDENTIALS to the JSON file of a service account whose key is good today.",
}
_REACH = {
    "s3": "Look at AWS_ENDPOINT_URL and AWS_REGION where they are set, at the network, and try again.",
    "gs": "Look at GOOGLE_BASE_URL where it is set, at the network, and try again.",
}
_UNKNOWN = (
    r"169\.254\.|metadata\.google|[Cc]redential|InvalidAccessKeyId|UnrecognizedClient"
    r"|AuthenticationRequired|Unauthenticated|401 Unauthorized"
)
_REFUSED = r"403 Forbidden|AccessDenied|SignatureDoesNotMatch|PermissionDenied"
_NO_BUCKET = r"NoSuchBucket|The specified bucket does not exist|bucket was not found"
# What obstore says of a file of credentials. Its own words are not passed on: they quote what stands in the file.
_FILES = (
    (r"Unable to open .*: (?P<why>[^:]+?) \(os error", "cannot be opened ({why})"),
    (r"Unable to decode .*: (?P<why>[^:]+?) \(os error", "cannot be read ({why})"),
    (r"missing field `(?P<why>\w+)`", "has no `{why}`"),
    (r"Unable to decode", "is no service account's in JSON"),
    (r"pem file|[Kk]ey|CryptoProvider", "has no private key in PEM that can be read"),
)


def opened(scheme: str, bucket: str, prefix: str) -> Any:
    """The client, which has asked nothing yet. Raises CouldNotTell without obstore, or with credentials of no form."""
    for name in _SECRETS:
        remember(os.environ.get(name))
    try:
        from obstore.store import GCSStore, S3Store
    except ImportError:
        raise CouldNotTell(
            "Backups in a bucket need obstore, which is not installed.",
            code="store.no_library",
            hint="Run `pip install 'pgrunbook[storage]'`.",
        ) from None
    plain = any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS[scheme])
    client: Any = {"timeout": REQUEST, "connect_timeout": CONNECT, "allow_http": plain}
    retry: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=RETRY)}
    make = S3Store if scheme == "s3" else GCSStore
    try:
        return make(bucket, prefix=prefix or None, client_options=client, retry_config=retry)
    except Exception as error:  # noqa: BLE001 - obstore raises errors of many kinds for what it reads of variables
        raise CouldNotTell(
            f"The bucket {bucket} cannot be used: {_why_not_opened(scheme, str(error).partition(chr(10))[0])}.",
            code="store.no_credentials",
            hint=_KEYS[scheme],
        ) from None


def failure(where: str, error: Exception | None) -> CouldNotTell:
    """What an error of the client amounts to; None stands for no answer in time."""
    scheme = where.partition(":")[0]
    said = str(error or "no answer in time")
    for pattern, code, what, hint in (
        (_NO_BUCKET, "store.no_bucket", "there is no such bucket", "Create it, or correct the name."),
        (_UNKNOWN, "store.no_credentials", "no credentials for it were found, or it does not know them", _KEYS[scheme]),
        (_REFUSED, "store.not_permitted", "these credentials may not do that there",
         "Let them list, read, write and delete what is under the prefix."),
    ):  # fmt: skip
        if re.search(pattern, said):
            return CouldNotTell(f"{where} cannot be used: {what}.", code=code, hint=hint)
    if isinstance(error, FileNotFoundError):
        return CouldNotTell(f"{where} no longer has what was looked for.", code="store.missing")
    words = mask(said.partition("\n")[0].rpartition(" - ")[2]).rstrip(".")
    return CouldNotTell(f"{where} cannot be reached: {words}.", code="store.unreachable", hint=_REACH[scheme])


def _why_not_opened(scheme: str, said: str) -> str:
    if scheme == "gs":
        variable = next((name for name in _ACCOUNTS if os.environ.get(name)), "")
        for pattern, what in _FILES:
            if found := re.search(pattern, said):
                why = {name: word.lower() if " " in word else word for name, word in found.groupdict().items()}
                return f"{_file(variable)} {what.format(**why)}"
        return f"{_file(variable)} is not understood"
    return mask(said).rstrip(".")


def _file(variable: str) -> str:
    """What holds the account. The file is named by the variable's value, which is a path; a key's value is secret."""
    if not variable:
        return "the file of credentials that gcloud left for this user"
    if variable == "GOOGLE_SERVICE_ACCOUNT_KEY":
        return f"what {variable} holds"
    return f"the file that {variable} names, {os.environ[variable]},"
