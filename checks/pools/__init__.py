"""The pools that services really use, built as their pages say and exercised on a real server."""
