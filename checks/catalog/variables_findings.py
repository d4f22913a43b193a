"""What can be wrong with a service's variables, each as a finding that names the variable and never its value.

`values` is what is looked at, `where` what a message calls it, `wanted` the required variables with the reference each
must be, or None for one that must only be set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from checks.catalog.env_file import Reference, holds_password, read, references
from checks.catalog.names import plural, some
from checks.check import Finding
from checks.suggest import did_you_mean

SHARED = "shared"  # Railway's name for the variables of the project itself

Values = Mapping[str, str]
Wanted = Mapping[str, Reference | None]


def missing(wanted: Wanted, values: Values, where: str) -> Iterator[Finding]:
    """Required variables that are not set, or are empty."""
    for name in wanted:
        if name in values and not values[name]:
            yield _finding("variables.missing", name, f"{name} is empty in {where}.", expected="a value")
        elif name not in values:
            guess = did_you_mean(name, values)
            sentence = f"{name} is not set in {where}"
            yield _finding("variables.missing", name, f"{sentence}; {guess}" if guess else f"{sentence}.")


def not_the_reference(wanted: Wanted, values: Values, services: Sequence[str]) -> Iterator[Finding]:
    """Variables that are written out, or refer to something else. Unknown services are left to `unknown_services`."""
    for name, reference in wanted.items():
        found = references(values.get(name, ""))
        if reference is None or reference in found or not values.get(name):
            continue
        if not found:
            sentence = f"{name} is a value written out, and no reference."
            yield _finding("variables.literal", name, sentence, expected=str(reference))
        elif all(one.service in {*services, SHARED} for one in found):
            sentence = f"{name} refers to {some(found)}, and not to {reference}."
            yield _finding("variables.other_reference", name, sentence, expected=str(reference))


def forbidden(names: Sequence[str], values: Values, where: str) -> Iterator[Finding]:
    """Variables that are set, even to nothing, and must not be."""
    for name in names:
        if name in values:
            sentence = f"{name} is set in {where}, where it must not be."
            yield _finding("variables.forbidden", name, sentence, expected="not set")


def unknown_services(values: Values, services: Sequence[str]) -> Iterator[Finding]:
    """References of any variable to a service that the page does not have under exactly that name."""
    for name, value in values.items():
        for service in dict.fromkeys(one.service for one in references(value)):
            if services and service not in {*services, SHARED}:
                yield _unknown_service(name, service, services)


def written_out(wanted: Wanted, values: Values, where: str) -> Iterator[Finding]:
    """URLs with a password in them, in variables besides those that must be a reference."""
    for name, value in values.items():
        if wanted.get(name) is None and holds_password(value):
            sentence = f"{name} in {where} is a URL with its password written out, and no reference."
            yield _finding("variables.literal", name, sentence, expected="a reference")


def unresolved(wanted: Wanted, values: Values) -> Iterator[Finding]:
    """Variables of a running process that still hold a reference, which the platform should have filled in."""
    for name in wanted:
        for reference in references(values.get(name, "")):
            sentence = f"{name} arrived as the bare text {reference}: the platform did not fill it in."
            yield _finding("variables.unresolved", name, sentence, expected="the value it stands for")


def shadowed(looked_at: Sequence[str], values: Values, shadow: str, folder: Path) -> Iterator[Finding]:
    """Variables that the local file `shadow` sets to something else. None where there is no such file.

    Raises CouldNotTell where it cannot be read.
    """
    if not (folder / shadow).is_file():
        return
    local = read(folder, shadow)
    differing = sorted(name for name in {*looked_at} & local.keys() if local[name] != values.get(name))
    if differing:
        yield Finding(
            "variables.shadowed",
            False,
            f"{shadow} sets {some(differing)} to something else; tools that read it by themselves take that.",
            expected="one value",
            observed=f"{plural(len(differing), 'variable')} of {shadow}",
            evidence=tuple({"variable": name, "file": shadow} for name in differing),
        )


def _unknown_service(name: str, service: str, services: Sequence[str]) -> Finding:
    alike = [one for one in services if one.lower() == service.lower()]
    guess = f"upper and lower case differ from `{alike[0]}`." if alike else did_you_mean(service, services)
    sentence = f"{name} refers to a service `{service}`, which is none of the page's"
    return Finding(
        "variables.unknown_service",
        False,
        f"{sentence}; {guess}" if guess else f"{sentence}.",
        expected=some(services),
        observed=service,
        evidence=({"variable": name, "service": service},),
    )


def _finding(code: str, name: str, sentence: str, *, expected: str = "set") -> Finding:
    return Finding(code, False, sentence, expected=expected, evidence=({"variable": name},))
