"""The ledger of who holds which connection."""

from __future__ import annotations

from checks.pools.ledger import Ledger, task_name


def test_what_is_out_is_listed_and_what_came_back_is_not() -> None:
    """The longest first, each by its task."""
    ledger = Ledger()
    for task, backend in (("import", 11), ("mail", 12)):
        token = task_name.set(task)
        ledger.took(backend)
        task_name.reset(token)
    assert [(loan.task, loan.backend) for loan in ledger.loans()] == [("import", 11), ("mail", 12)]
    ledger.gave_back(11)
    ledger.gave_back(11)
    assert [loan.task for loan in ledger.loans()] == ["mail"]


def test_without_a_name_it_is_the_threads() -> None:
    """Something is better than nothing."""
    ledger = Ledger()
    ledger.took(13)
    assert ledger.loans()[0].task == "MainThread"
