-- version: the version of the SQLite library
SELECT sqlite_version() AS version;

-- round_trip: nothing at all
SELECT 1;
