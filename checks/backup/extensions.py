"""Which extensions our superuser makes for a dump: those known to be harmless, those the page allows, and no other.

An extension is harmless here if no dump gets by its functions at the network, at files of the server or at programs. It
may well read or spoil the copy, which is thrown away. What PostgreSQL itself calls trusted needs no superuser.
https://www.postgresql.org/docs/current/extend-extensions.html
"""

from __future__ import annotations

from collections.abc import Mapping

# PostgreSQL's own: types, operators, indexes and triggers; looks into the server, of which a dump's role may call few.
_CONTRIB = frozenset({
    "amcheck", "autoinc", "bloom", "btree_gin", "btree_gist", "citext", "cube", "dict_int", "dict_xsyn",
    "earthdistance", "fuzzystrmatch", "hstore", "insert_username", "intagg", "intarray", "isn", "lo", "ltree",
    "moddatetime", "old_snapshot", "pageinspect", "pg_buffercache", "pg_freespacemap", "pg_prewarm",
    "pg_stat_statements", "pg_surgery", "pg_trgm", "pg_visibility", "pg_walinspect", "pgcrypto", "pgrowlocks",
    "pgstattuple", "plpgsql", "refint", "seg", "sslinfo", "tablefunc", "tcn", "tsm_system_rows", "tsm_system_time",
    "unaccent", "uuid-ossp",
})  # fmt: skip
# In wide use: types and indexes; what watches queries, and works in a server that loads its library only; plain SQL.
_OTHERS = frozenset({
    "address_standardizer", "address_standardizer_data_us", "h3", "hll", "ip4r", "pg_bigm", "pg_graphql",
    "pg_jsonschema", "pg_uuidv7", "pgrouting", "postgis", "postgis_sfcgal", "postgis_tiger_geocoder",
    "postgis_topology", "prefix", "rum", "semver", "tdigest", "vector", "vectorscale",
    "hypopg", "pg_hint_plan", "pg_qualstats", "pg_stat_kcache", "pg_stat_monitor", "pg_wait_sampling", "pgaudit",
    "plpgsql_check",
    "pg_ivm", "pg_partman", "pg_repack", "pgjwt", "pgmq", "pgtap", "temporal_tables",
})  # fmt: skip
HARMLESS = _CONTRIB | _OTHERS
_SERVERS, _FILES = "it connects to other servers", "it reads or writes files"
_CODE = "its functions run as the server's own user, and reach files, programs and the network"
_JOBS = "its worker runs jobs of its own"
# Why not, of those that many databases have. All others are refused because nobody has looked.
_WHY: Mapping[str, str] = {
    **dict.fromkeys(("plpython3u", "plpython2u", "plpythonu", "plperlu", "pltclu"), _CODE),
    **dict.fromkeys(("plsh", "pljava", "plr", "plv8u"), _CODE),
    **dict.fromkeys(("dblink", "postgres_fdw", "http", "pg_net", "pglogical", "citus", "pg_jobmon"), _SERVERS),
    **dict.fromkeys(("adminpack", "age", "anon", "file_fdw", "orafce", "pgroonga"), _FILES),
    **dict.fromkeys(("pg_background", "pg_cron"), _JOBS),
    "pgsodium": "it runs a program for its key",
    "pldbgapi": "it listens on the network",
    "postgis_raster": "it reads files and addresses by GDAL",
    "timescaledb": "its worker runs jobs, and reports to its maker",
    "xml2": "it reads documents that may name files and addresses",
}  # fmt: skip


def why_refused(name: str) -> str:
    """The reason, as it goes on from a colon."""
    return _WHY.get(name, "it is not known to be harmless")


def is_harmless(name: str) -> bool:
    """Whether it may be made for anybody's dump."""
    return name in HARMLESS
