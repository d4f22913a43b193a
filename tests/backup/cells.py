"""A cell of every type that comes with PostgreSQL, and what a damaged one holds instead: as little else as can be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """A table `cell_NAME` of one column; `value` and `other` are constants of SQL."""

    name: str
    type: str
    value: str
    other: str

    @property
    def made(self) -> str:
        """SQL that makes the table, with the value in one of its two rows."""
        table = f"cell_{self.name}"
        return f"CREATE TABLE {table} (cell {self.type}); INSERT INTO {table} VALUES ({self.value}), (NULL);"

    @property
    def changed(self) -> str:
        """SQL that changes the cell."""
        return f"UPDATE cell_{self.name} SET cell = {self.other} WHERE cell IS NOT NULL OR {self.value} IS NULL;"


CELLS = (
    Cell("smallint", "smallint", "1", "2"),
    Cell("integer", "integer", "1", "2"),
    Cell("bigint", "bigint", "1", "2"),
    Cell("numeric_by_its_scale", "numeric", "1.10", "1.1"),
    Cell("real", "real", "1.5", "1.5000001"),
    Cell("double", "double precision", "0.1", "0.10000000000000002"),
    Cell("double_by_its_sign", "double precision", "'-0'", "'0'"),
    Cell("boolean", "boolean", "true", "false"),
    Cell("text", "text", r"E'a\tb\\.\n'", r"E'a\tb\\.\n '"),
    Cell("text_by_its_accents", "text", r"U&'\00e9'", r"U&'e\0301'"),
    Cell("varchar", "varchar(20)", "'varchar'", "'Varchar'"),
    Cell("char", "char(5)", "'char'", "'chaR'"),
    Cell("bytea", "bytea", r"'\x00ff'", r"'\x00fe'"),
    Cell("date", "date", "'2026-01-02'", "'2026-01-03'"),
    Cell("time", "time", "'03:04:05'", "'03:04:06'"),
    Cell("timetz", "timetz", "'03:04:05+01'", "'03:04:05+02'"),
    Cell("timestamp", "timestamp", "'2026-01-02 03:04:05.000001'", "'2026-01-02 03:04:05.000002'"),
    Cell("timestamptz", "timestamptz", "'2026-01-02 03:04:05+00'", "'2026-01-02 03:04:05+01'"),
    Cell("interval", "interval", "'1 mon 2 days'", "'1 mon 3 days'"),
    Cell("interval_of_the_same_length", "interval", "'1 day'", "'24 hours'"),
    Cell("uuid", "uuid", "'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'"),
    Cell("json", "json", """'{"a":  1}'""", """'{"a": 1}'"""),
    Cell("jsonb", "jsonb", """'{"a": 1}'""", """'{"a": 2}'"""),
    Cell("jsonb_by_its_scale", "jsonb", """'{"a": 1.0}'""", """'{"a": 1.00}'"""),
    Cell("inet", "inet", "'10.0.0.1/8'", "'10.0.0.1/9'"),
    Cell("cidr", "cidr", "'10.0.0.0/8'", "'10.0.0.0/9'"),
    Cell("macaddr", "macaddr", "'08:00:2b:01:02:03'", "'08:00:2b:01:02:04'"),
    Cell("point", "point", "'(1,2)'", "'(1,2.5)'"),
    Cell("box", "box", "'(1,1),(0,0)'", "'(1,1),(0,0.5)'"),
    Cell("box_of_the_same_area", "box", "'(2,1),(0,0)'", "'(1,2),(0,0)'"),
    Cell("polygon", "polygon", "'((0,0),(1,1),(1,0))'", "'((0,0),(1,2),(1,0))'"),
    Cell("bit", "bit(4)", "B'1010'", "B'1011'"),
    Cell("array", "integer[]", "'{1,NULL,3}'", "'{1,2,3}'"),
    Cell("array_by_its_bounds", "integer[]", "'[0:1]={1,2}'", "'{1,2}'"),
    Cell("range", "int4range", "'[1,5)'", "'[1,6)'"),
    Cell("multirange", "int4multirange", "'{[1,2),[4,5)}'", "'{[1,2)}'"),
    Cell("enum", "mood", "'ok'", "'happy'"),
    Cell("composite", "place", """ROW('Main "St"', 5)""", "ROW('Main St', 5)"),
    Cell("tsvector", "tsvector", "'cat sat'", "'cat'"),
    Cell("money", "money", "1.00", "1.01"),
    Cell("macaddr8", "macaddr8", "'08:00:2b:01:02:03:04:05'", "'08:00:2b:01:02:03:04:06'"),
    Cell("line", "line", "'{1,2,3}'", "'{1,2,4}'"),
    Cell("lseg", "lseg", "'[(0,0),(1,1)]'", "'[(1,1),(0,0)]'"),
    Cell("path", "path", "'[(0,0),(1,1)]'", "'((0,0),(1,1))'"),
    Cell("circle", "circle", "'<(0,0),1>'", "'<(0,1),1>'"),
    Cell("varbit", "bit varying", "B'10'", "B'100'"),
    Cell("tsquery", "tsquery", "'a & b'", "'a | b'"),
    Cell("jsonpath", "jsonpath", "'$.a'", "'$.b'"),
    Cell("pg_lsn", "pg_lsn", "'0/16B3740'", "'0/16B3741'"),
    Cell("pg_snapshot", "pg_snapshot", "'10:20:10,14'", "'10:20:10,15'"),
    Cell("xid8", "xid8", "'99'", "'98'"),
    Cell("oid", "oid", "42", "43"),
    Cell("name", "name", "'nm'", "'Nm'"),
    Cell("one_character", '"char"', "'x'", "'y'"),
    Cell("domain", "email", "'a@b'", "'a@c'"),
    Cell("array_of_text", "text[]", """'{a,NULL,"b c"}'""", """'{a,"NULL","b c"}'"""),
    Cell("array_of_composites", "place[]", """ARRAY[ROW('a', 1)::place]""", """ARRAY[ROW('a', 2)::place]"""),
    Cell("array_of_enums", "mood[]", "'{sad,ok}'", "'{ok,sad}'"),
    Cell("numrange_by_its_scale", "numrange", "'[1.0,2.50]'", "'[1.0,2.5]'"),
    Cell("daterange", "daterange", "'[2026-01-01,2026-02-01)'", "'[2026-01-01,2026-02-02)'"),
    Cell("tstzrange", "tstzrange", "'[2026-01-01 00:00+00,)'", "'(2026-01-01 00:00+00,)'"),
    Cell("null_to_nothing", "text", "NULL", "''"),
    Cell("value_to_null", "text", "'null'", "NULL"),
)
XML = Cell("xml", "xml", "'<a/>'", "'<b/>'")  # not every build of PostgreSQL has it
