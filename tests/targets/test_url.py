"""URLs as people write them, and as they mistype them."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from checks import secrets
from checks.errors import UsageError
from checks.targets.session import Endpoint
from checks.targets.url import conninfo, masked, parse, sqlalchemy_url

SOURCE = "The variable DATABASE_URL"


@pytest.fixture(autouse=True)
def known_secrets(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Secrets of these tests are forgotten after each, so that they hide no word of another's."""
    known: set[str] = set()
    monkeypatch.setattr(secrets, "_known", known)
    return known


GOOD = {
    "postgres://u:pw1@h:5433/d": Endpoint(host="h", port=5433, user="u", password="pw1", database="d"),
    "postgresql://h/d": Endpoint(host="h", database="d"),
    "postgresql+psycopg://u@h/d": Endpoint(host="h", user="u", database="d"),
    "postgresql+psycopg2://u@h/d": Endpoint(host="h", user="u", database="d"),
    "PostgreSQL://h": Endpoint(host="h"),
    "postgresql+asyncpg://u:pw1@h/d?ssl=require": Endpoint(
        host="h", user="u", password="pw1", database="d", options={"sslmode": "require"}
    ),
    "postgresql://u:a%40b%2Fc%23d%25@h/d": Endpoint(host="h", user="u", password="a@b/c#d%", database="d"),
    "postgresql://u:a:b@h/d": Endpoint(host="h", user="u", password="a:b", database="d"),
    "postgresql://u:pa$word@h/d": Endpoint(host="h", user="u", password="pa$word", database="d"),
    "postgresql://u:pw1@/d?host=/cloudsql/project:region:instance": Endpoint(
        host="/cloudsql/project:region:instance", user="u", password="pw1", database="d"
    ),
    "postgresql://%2Fvar%2Frun%2Fpostgresql/d": Endpoint(host="/var/run/postgresql", database="d"),
    "postgresql:///d": Endpoint(database="d"),
    "postgresql://u@[::1]:5433/d": Endpoint(host="::1", port=5433, user="u", database="d"),
    "postgresql://[fe80::1%25eth0]/d": Endpoint(host="fe80::1%eth0", database="d"),
    "postgresql://h/d?sslmode=verify-full&sslrootcert=/ca.pem": Endpoint(
        host="h", database="d", options={"sslmode": "verify-full", "sslrootcert": "/ca.pem"}
    ),
    "postgresql://h/d?sslmode=no-verify": Endpoint(host="h", database="d", options={"sslmode": "require"}),
    "postgresql://h/d?user=me%40corp&password=pw%2B1": Endpoint(
        host="h", database="d", user="me@corp", password="pw+1"
    ),
    "postgresql://h/d?schema=public&connection_limit=5&pgbouncer=true": Endpoint(host="h", database="d"),
    "postgresql://h/d?schema=shop": Endpoint(host="h", database="d", options={"options": "-c search_path=shop"}),
    "postgresql:///d?service=prod": Endpoint(database="d", options={"service": "prod"}),
    "sqlite:///data/app.db": Endpoint(engine="sqlite", path="data/app.db"),
    "sqlite:////var/lib/app.db": Endpoint(engine="sqlite", path="/var/lib/app.db"),
    "sqlite+aiosqlite:///app.db": Endpoint(engine="sqlite", path="app.db"),
}


@pytest.mark.parametrize("text", GOOD)
def test_a_good_url_is_an_endpoint(text: str) -> None:
    """Every form that drivers and platforms hand out says where the database is."""
    assert parse(text, source=SOURCE) == GOOD[text]


MISTYPED = {
    "": "is empty",
    "  \n": "is empty",
    '"postgresql://u:pw1@h/d"': "quotation mark",
    "'postgresql://u:pw1@h/d": "quotation mark",
    "postgresql://u:pw1@h/d\n": "white space or a line end around it",
    " postgresql://u:pw1@h/d": "white space or a line end around it",
    "postgresql://u:my pw1@h/d": "white space in the middle",
    "${{Postgres.DATABASE_URL}}": re.escape("`${{Postgres.DATABASE_URL}}`, which nothing has replaced"),
    "${DATABASE_URL}": "which nothing has replaced",
    "$DATABASE_URL": "which nothing has replaced",
    "postgresql://u:${PGPASSWORD}@h/d": "which nothing has replaced",
    "postgresql://$PGUSER:pw1@h/d": "a variable in it for the user that nothing replaced",
    "postgres//u:s3cret@h/d": "no scheme",
    "u:s3cret@h/d": "no scheme",
    "host=h dbname=d password=s3cret": "white space in the middle",
    "dbname=d": "libpq key words",
    "postgrsql://u:s3cret@h/d": "scheme that is not known.*did you mean `postgresql`",
    "postgresql+psycopg3://u:s3cret@h/d": "did you mean `postgresql.psycopg`",
    "https://u:s3cret@h/d": "`https://`, which is no PostgreSQL address",
    "mysql://u:s3cret@h/d": "MySQL",
    "jdbc:postgresql://h/d?user=u&password=s3cret": "`jdbc:`",
    "DATABASE_URL=postgresql://u:s3cret@h/d": "the name of a variable",
    "postgresql://u:s3@cret@h/d": "special character",
    "postgresql://u:s3/cret@h/d": "special character",
    "postgresql://u:12/cret@h/d": "special character",
    "postgresql://u:s3#cret@h/d": "special character",
    "postgresql://u:s3?cret@h/d": "special character",
    "postgresql://u:s3%cret@h/d": "`%` in it that begins no character",
    "postgresql://u:s3%ffcret@h/d": "`%` in it that begins no character",
    "postgresql://h:port/d": "no number from 1 to 65535",
    "postgresql://h:0/d": "no number from 1 to 65535",
    "postgresql://h:65536/d": "no number from 1 to 65535",
    "postgresql://::1/d": "more than one `:`",
    "postgresql://u:s3cret@h1,h2/d": "several hosts",
    "postgresql://u:s3cret@/d?host=h1,h2": "several hosts",
    "postgresql://u:s3cret@/d?host=h1&host=h2": "not each one `key=value`",
    "postgresql://u:PASSWORD@h/d": "placeholder",
    "postgresql://u:[YOUR-PASSWORD]@h/d": "placeholder",
    "postgresql://u:<password>@h/d": "placeholder",
    "postgresql://h/d?sslmod=require": "parameter.*did you mean `sslmode`",
    "postgresql://h/d?sslmode=required": "`sslmode` there is not.*did you mean `require`",
    "sqlite://": "names no SQLite file",
    "sqlite:///": "names no SQLite file",
    "sqlite:///:memory:": "names no SQLite file",
    "sqlite://app.db": "names no SQLite file",
}


@pytest.mark.parametrize("text", MISTYPED)
def test_a_mistyped_url_is_one_clear_sentence(text: str) -> None:
    """A mistake is named with the variable that has it, and never shows the value."""
    with pytest.raises(UsageError) as refusal:
        parse(text, source=SOURCE)
    said = str(refusal.value).replace("\n", " ")
    assert said.startswith(SOURCE)
    assert "invoke explain connectivity.url_malformed" in said
    assert re.search(MISTYPED[text], said), said
    assert refusal.value.hint
    assert not re.search("s3|cret@|pw1", said), said


PASSWORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=4, max_size=20)
FRAMES = st.sampled_from(
    [
        "postgresql://u:{}@h:5432/d",
        "postgresql://u:{}@h,i/d",
        "postgres//u:{}@h/d",
        "postgres://{}@h:port/d",
        "postgresql://h/d?password={}",
        "postgresql://h/d?{}",
        "postgresql://h/d?sslmode={}",
        "postgresql://{}",
        "jdbc:postgresql://u:{}@h/d",
        "{}://u@h/d",
        "{}",
    ]
)


CORE = "s3CrE7"
ODD = st.text(st.sampled_from("@:/?#%&=,[]{}$ \\n'\"aé+"), max_size=4)


@settings(max_examples=400, deadline=None)
@given(frame=FRAMES, before=ODD, after=ODD)
@example(frame="postgresql://u:{}@h:5432/d", before="a@", after=":99999")
@example(frame="{}", before="'${", after="}")
def test_no_error_ever_shows_the_password(frame: str, before: str, after: str) -> None:
    """Wherever a password ends up in a mistyped URL, and whatever stands around it, no message repeats it."""
    text = frame.format(before + CORE + after)
    said = ""
    try:
        parse(text, source=SOURCE)
    except UsageError as refusal:
        said = str(refusal)
    # A text that is nothing but a reference is named: it is the name of a variable, and no value.
    assert CORE not in said or re.fullmatch(r"\s*(\$\{+|\{\{)[^{}]*\}+\s*|\s*\$\w+\s*", text)


@given(password=PASSWORDS)
@settings(max_examples=100, deadline=None)
def test_a_password_comes_through_unharmed(password: str) -> None:
    """A password in an endpoint reaches SQLAlchemy and libpq as it is, whatever characters it has."""
    endpoint = Endpoint(host="h", port=5432, user="me@corp", password=password, database="d/e")
    assert make_url(sqlalchemy_url(endpoint)).password == password
    assert conninfo(endpoint)["password"] == password
    if not re.fullmatch(r"(?i).*(PASS|[<\[{x*.•…]).*|\$\w+", password, re.DOTALL):
        assert parse(sqlalchemy_url(endpoint), source=SOURCE) == endpoint


@pytest.mark.parametrize("text", [text for text in GOOD if "pw" in text])
def test_what_people_see_has_no_password(text: str) -> None:
    """The form for reports leaves the password out, wherever in the URL it stood."""
    shown = masked(parse(text, source=SOURCE))
    assert "pw" not in shown
    assert parse(shown, source=SOURCE).host == GOOD[text].host


@pytest.mark.parametrize(
    "text", ["postgresql://u:s3cret%2F@h/d", "postgresql://h/d?password=s3cret%2F", "postgres//u:s3cret%2F@h:x/d"]
)
def test_a_password_is_a_secret_at_once(text: str) -> None:
    """Both forms of a password are masked everywhere from the moment its URL was seen, mistyped or not."""
    with suppress(UsageError):
        parse(text, source=SOURCE)
    assert "s3cret" not in secrets.mask("as s3cret%2F, or as s3cret/")


def test_a_password_that_is_no_secret_hides_no_word() -> None:
    """The password `postgres` of every laptop does not turn PostgreSQL's own name into asterisks."""
    parse("postgresql://postgres:postgres@localhost/d", source=SOURCE)
    assert secrets.mask("postgresql") == "postgresql"


@pytest.mark.parametrize("text", GOOD)
def test_sqlalchemy_reads_what_we_write(text: str) -> None:
    """Migrations go to the very database the checks look at."""
    endpoint = parse(text, source=SOURCE)
    url = make_url(sqlalchemy_url(endpoint))
    if endpoint.engine == "sqlite":
        assert (url.drivername, url.database) == ("sqlite", endpoint.path)
        return
    host = url.query.get("host") if endpoint.is_socket else url.host
    assert url.drivername == "postgresql+psycopg"
    assert (host or None, url.username or None, url.database or None) == (
        endpoint.host,
        endpoint.user,
        endpoint.database,
    )
