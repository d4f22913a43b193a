"""The words of the findings on benchmarks: what each means, why it matters, how to fix it."""

from __future__ import annotations

from collections.abc import Mapping

from checks.check import Code

CODES: Mapping[str, Code] = {
    "benchmark.measured": Code(
        "What each query took: the median with the interval it lies in with a confidence of 95 % (of order "
        "statistics), the 95th of 100 rounds, the mean with its standard error, and the buffers its plan touched."
    ),
    "benchmark.index_lost": Code(
        "A query's plan does not use an index that the page names, or that it used in the baseline.",
        "It reads the table instead, and takes longer with every row that is added.",
        "See with `\\d TABLE` in psql whether the index is there and valid; build it with `CREATE INDEX CONCURRENTLY`, "
        "or `REINDEX INDEX CONCURRENTLY` where it is invalid. Is it there, run `ANALYZE TABLE`, and compare the "
        "query's condition with the index's columns: a cast or a function around a column keeps it from being used.",
    ),
    "benchmark.seq_scan": Code(
        "A query's plan reads a table from end to end that the page says it must not.",
        "Such a query is quick on little data, and grows with the table.",
        "Look at the plan's filter with `EXPLAIN (ANALYZE, BUFFERS)`, and build an index for it with `CREATE INDEX "
        "CONCURRENTLY`. On a table of a few pages reading all of it is right: measure with more rows (`--rows`).",
    ),
    "benchmark.join_changed": Code(
        "A query's plan joins its tables in another order than in the baseline.",
        "The planner estimates other numbers of rows than it did, and a wrong estimate of a join multiplies.",
        "Compare estimated with actual rows in `EXPLAIN (ANALYZE, BUFFERS)`; `ANALYZE` the tables where they are far "
        "apart. If the new order is the better one, keep it: `invoke bench --save`.",
    ),
    "benchmark.plan_changed": Code(
        "A query's plan is another than in the baseline, with the same indexes and the same order of joins.",
        "It need not be worse. Buffers and times say whether it is.",
        "Compare both plans in the report. If the new one is as good, keep it: `invoke bench --save`.",
    ),
    "benchmark.buffers": Code(
        "A query touches more buffers than the page allows.",
        "Buffers are what a query costs, whether the machine is busy or idle: cached ones push others out of the "
        "cache, and those that are not have to be read.",
        "Look in `EXPLAIN (ANALYZE, BUFFERS)` for the step that touches most. An index narrows it; `VACUUM` helps a "
        "table that is mostly dead rows, and lets an Index Only Scan spare the table.",
    ),
    "benchmark.more_buffers": Code(
        "A query touches half as many buffers again as in the baseline, or more, on tables of much the same size.",
        "The same plan does more work: as a rule for dead rows, a bloated index, or pages no longer all-visible.",
        "`VACUUM (ANALYZE, VERBOSE) TABLE`, and `REINDEX INDEX CONCURRENTLY` for a bloated index. If it is meant to be "
        "so now: `invoke bench --save`.",
    ),
    "benchmark.slow": Code(
        "A query takes longer than the page allows. It only warns where the bound lies within the median's interval.",
        "Whoever waits for it waits longer than was agreed, and it holds a connection of the pool for as long.",
        "See first whether its plan and buffers are right. If they are, the server is busy or slow: look for what else "
        "runs (`SELECT * FROM pg_stat_activity WHERE state = 'active'`), and for `I/O Timings` with `track_io_timing`.",
    ),
    "benchmark.slower": Code(
        "A query takes longer than in the baseline: its quickest round, of three measurements or more, by a tenth, "
        "beyond the noise of both, and more than the whole server became slower.",
        "Its plan and its buffers are as they were, so it is the work on each row that grew, or the waiting.",
        "Compare `EXPLAIN (ANALYZE, BUFFERS)` with the plan of then, step by step. Usual causes are longer values, a "
        "costlier function, and reads that are no longer cached. If it is meant to be so now: `invoke bench --save`.",
    ),
    "benchmark.no_baseline": Code(
        "A query was measured, and there is nothing to hold it against: no bound on the page, and no baseline.",
        "Whatever it takes, this check would pass.",
        "Give it a bound on the page, or keep what it takes now with `invoke bench --save`, and commit the file.",
    ),
    "benchmark.baseline_unlike": Code(
        "The baseline is of another major, other settings, other sizes of the tables or a server of another speed.",
        "A comparison with it would say something of those, and nothing of the query.",
        "Measure where the baseline is from; or keep a new one with `invoke bench --save` (`--env` for a live one).",
    ),
    "benchmark.baseline_unreadable": Code(
        "The file of baselines cannot be read.",
        "Nothing was compared, so nothing is known of what changed.",
        "Restore it from version control, or write it anew with `invoke bench --save`.",
    ),
    "benchmark.few_rounds": Code(
        "The queries take so long that too few rounds were measured for the figures to mean anything.",
        "Of so few rounds neither a median nor its interval can be told.",
        "Give the check a longer `time`, and a `timeout` of five times as much; or measure fewer queries together.",
    ),
    "benchmark.not_installed": Code(
        "The library that measures, pytest-benchmark, is not installed.",
        "Nothing was measured.",
        "`pip install 'pgrunbook[bench]'`.",
    ),
}
