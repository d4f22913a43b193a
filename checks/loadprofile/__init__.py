"""`invoke bench --profile pgbench`: how much a disposable server does at 1, 1.5 and 2 times the declared pools."""
