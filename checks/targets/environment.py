"""A runbook's environment as an endpoint: from a variable, an env file, a libpq service, or a service of Compose.

All before any connection.

https://www.postgresql.org/docs/current/libpq-envars.html
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from checks.check import SQLITE
from checks.errors import UsageError
from checks.runbook.model import Environment
from checks.suggest import did_you_mean
from checks.targets.envfile import REFERENCE, read
from checks.targets.mistyped import UNKNOWN, UNSET
from checks.targets.service import service_parameters
from checks.targets.session import Endpoint, Origin
from checks.targets.url import conninfo, endpoint_of, parse


def resolve(
    name: str,
    environments: Mapping[str, Environment],
    *,
    folder: Path,
    runbook: str = "",
    env_file: Path | None = None,
    variables: Mapping[str, str] = os.environ,
) -> Endpoint:
    """Where the environment `name` of a runbook is. The process's own variables win over those of `env_file`.

    `folder` is what a SQLite path is relative to; `runbook` is the page's name, for messages. Raises UsageError.
    """
    of_page = f" of the runbook {runbook}" if runbook else " of the runbook"
    environment = environments.get(name)
    if environment is None:
        raise _unknown(name, environments, of_page)
    here = f"environment {name}{of_page}"
    if environment.service is not None:
        parameters = service_parameters(environment.service, variables)
        return endpoint_of(parameters, source=f"The libpq service `{environment.service}` ({here})")
    if environment.compose is not None:
        from checks.targets.compose_file import service_of

        known = known_variables(env_file, variables)
        return Endpoint(compose=service_of(environment.compose, folder, known, here))
    template = environment.url or ""
    known = known_variables(env_file, variables)
    url = _filled(template, known, here, env_file)
    endpoint = parse(url, source=_source(template, here))
    if endpoint.engine == SQLITE:
        return replace(endpoint, path=str(folder.absolute() / (endpoint.path or "")))
    driver = url.partition("://")[0].partition("+")[2]
    origin = Origin(tuple(REFERENCE.findall(template)), driver, folder, env_file, variables)
    return replace(_with_service(endpoint, variables, here), origin=origin)


def pgbouncer_of(
    name: str, environments: Mapping[str, Environment], variables: Mapping[str, str] = os.environ
) -> Endpoint | None:
    """Where the admin console of the environment's PgBouncer is; None where it names none. Raises UsageError."""
    template = environments[name].pgbouncer
    if template is None:
        return None
    here = f"PgBouncer of environment {name}"
    return parse(_filled(template, variables, here, None), source=_source(template, here))


def known_variables(env_file: Path | None, variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What `${VARIABLE}` may stand for: the process's own variables, and those of `env_file` that it lacks.

    Raises UsageError where there is no such file.
    """
    return {**(read(env_file) if env_file else {}), **variables}


def _with_service(endpoint: Endpoint, variables: Mapping[str, str], here: str) -> Endpoint:
    """What `?service=` in a URL leads to; the URL's own parts win, as libpq has it."""
    given = conninfo(endpoint)
    name = given.pop("service", None)
    if name is None:
        return endpoint
    return endpoint_of({**service_parameters(name, variables), **given}, source=f"The libpq service `{name}` ({here})")


def _filled(template: str, known: Mapping[str, str], here: str, env_file: Path | None) -> str:
    missing = [name for name in REFERENCE.findall(template) if name not in known]
    if missing:
        looked = f", neither in the environment nor in {env_file}" if env_file else ""
        raise UsageError(
            f"The variable {missing[0]}, which the {here} takes its URL from, is not set{looked}.",
            hint=f"Set it, as in `export {missing[0]}=postgresql://user:password@host:5432/database`, "
            "or name a file that sets it by --env-file.",
            code=UNSET,
        )
    return REFERENCE.sub(lambda reference: known[reference[1]], template)


def _source(template: str, here: str) -> str:
    names = REFERENCE.findall(template)
    if not names:
        return f"The URL of the {here}"
    if REFERENCE.fullmatch(template):
        return f"The variable {names[0]} ({here})"
    return f"The URL of the {here}, made with {' and '.join(names)},"


def _unknown(name: str, environments: Mapping[str, Environment], of_page: str) -> UsageError:
    if not environments:
        return UsageError(
            f"There is no environment `{name}`: the front matter{of_page} has none.",
            hint='Add one: `environments: {dev: {url: "${DEV_DATABASE_URL}"}}`.',
            code=UNKNOWN,
        )
    return UsageError(
        f"There is no environment `{name}` in the front matter{of_page}; it has {', '.join(environments)}.",
        hint=did_you_mean(name, environments),
        code=UNKNOWN,
    )
