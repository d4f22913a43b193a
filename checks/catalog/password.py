"""Whether the password of a URL is one that anybody would try, or too short: told without showing any of it.

Nothing leaves this process: the password is compared with a list of those that images, tutorials and this project's own
example pages are full of, and is neither sent, written nor counted in the words of a finding.
"""

from __future__ import annotations

import re

# Normalised as `_plain` does. From official images and their documentation, compose files, hosted quick starts and
# the examples that pages like ours are copied from.
_DEFAULTS = """
admin administrator adminadmin app appuser backend change changeit changeme changemenow changethis database db
dbpassword dbuser default demo dev development django docker example examplepassword foobar gaiasecurepassword guest
hasura insecure keycloak letmein local localdev localhost login master mypassword mysecretpassword n8n nextcloud
odoo pass passw0rd password passwordpassword passwort pgadmin pgpass pgpassword postgres postgresadmin
postgresdb postgrespass postgrespassword postgresql postgrespostgres postgresuser prisma qwerty rails root
rootpassword s3cret sa sample secret secretpassword secure securepassword staging strapi superpassword supersecret
supersecretpassword supersecurepassword superuser supabase temporal test testpassword testtest timescaledb token
user username verysecret verysecretpassword yourpassword yoursecurepassword yoursuperandlongpostgrespassword
yoursupersecretandlongpostgrespassword yourstrongpassword yourverysecurepassword
"""
KNOWN_DEFAULTS = frozenset(_DEFAULTS.split())


_FIGURES = "01234567890123456789"


def is_known(password: str, *names: str | None) -> bool:
    """Whether it is a known default, one of `names` (of the user, the database), or one with a few figures behind."""
    plain = _plain(password)
    if not plain:
        return password in _FIGURES or len(set(password)) == 1
    guesses = KNOWN_DEFAULTS | {_plain(name) for name in names if name}
    return plain in guesses or plain in {name + end for name in guesses for end in (name, "password", "pass")}


def _plain(text: str) -> str:
    """Lower case, without separators, brackets of a placeholder, and figures at the end."""
    return re.sub(r"[\d!]+$", "", re.sub(r"[\s_.<>${}-]", "", text.lower()))
