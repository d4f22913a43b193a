"""pgrunbook: one Markdown page that is the procedure, the test and the evidence.

Runbook, Plan, Results, Report: `ls checks` shows the nouns in the order data passes through them.
"""

__version__ = "0.1.0"
