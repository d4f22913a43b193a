"""What the names of hosts tell of the platforms they belong to. A further platform is a row more."""

from __future__ import annotations

import re
from typing import NamedTuple


class Inside(NamedTuple):
    """Names of a private network: how they look, whose they are, and what to use from outside."""

    pattern: str
    network: str
    instead: str


INSIDE = (
    Inside(
        r"\.railway\.internal",
        "Railway's private network",
        "From outside use the service's public address, which Railway keeps in DATABASE_PUBLIC_URL.",
    ),
    Inside(
        r"dpg-[a-z0-9]+-[a-z]",
        "Render's private network",
        "From outside use the External Database URL, whose host ends in `-postgres.render.com`.",
    ),
    Inside(
        r"\.(flycast|internal)", "Fly.io's private network", "From outside open `fly proxy 5432` and use localhost."
    ),
    Inside(
        r"\.svc(\.cluster\.local)?",
        "a Kubernetes cluster",
        "From outside open `kubectl port-forward` and use localhost.",
    ),
)

# Hosts that take no connection without TLS, or should be asked with it: what stands at the end of their names.
DEMAND_TLS = (
    ("Render", r"-postgres\.render\.com"),
    ("Neon", r"\.neon\.(tech|build)"),
    ("Supabase", r"\.supabase\.(co|com)"),
    ("Azure", r"\.(postgres\.database|postgres\.cosmos)\.azure\.com"),
    ("Heroku", r"\.compute(-\d+)?\.amazonaws\.com"),
    ("Amazon RDS", r"\.rds\.amazonaws\.com"),
    ("DigitalOcean", r"\.db\.ondigitalocean\.com"),
    ("Aiven", r"\.aivencloud\.com"),
)


def inside_of(host: str) -> Inside | None:
    """The private network a host's name belongs to, by its end, or None."""
    return next((one for one in INSIDE if re.search(rf"(?:\A|(?<=.))(?:{one.pattern})\Z", host.lower())), None)


def demands_tls(host: str) -> str:
    """The platform a host belongs to whose databases want TLS, or an empty text."""
    return next((name for name, end in DEMAND_TLS if re.search(rf"{end}\Z", host.lower())), "")
