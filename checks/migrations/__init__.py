"""What migration tools leave behind, read without them: files in folders, rows in version tables.

`tool` reads and `compare` judges, for any database. `apply` runs migrations, for disposable ones only.
"""
