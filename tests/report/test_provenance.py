"""A report knows where it comes from, whatever kind of checkout that is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from checks import secrets
from checks.report.provenance import Checkout, head_commit, provenance_of
from tests.report.builders import one_of_each, page

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="makes checkouts with git")


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit, seen by a git that knows no settings of this machine."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    folder = tmp_path / "checkout"
    folder.mkdir()
    _git(folder, "init", "--quiet", "--initial-branch", "feature/one")
    (folder / "runbooks").mkdir()
    (folder / "runbooks" / "gaia.md").write_text("# Gaia\n")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message", "One")
    return folder


def _commit(folder: Path) -> str:
    return _git(folder, "rev-parse", "HEAD")


def test_a_branch_of_its_own_file(checkout: Path) -> None:
    """A fresh checkout."""
    assert head_commit(checkout) == _commit(checkout)


def test_a_packed_branch(checkout: Path) -> None:
    """After a clone or `git gc`, branches lie in one file."""
    _git(checkout, "pack-refs", "--all")
    assert not (checkout / ".git" / "refs" / "heads" / "feature" / "one").exists()
    assert head_commit(checkout) == _commit(checkout)


def test_no_branch_at_all(checkout: Path) -> None:
    """CI checks out a commit."""
    _git(checkout, "checkout", "--quiet", "--detach")
    assert head_commit(checkout) == _commit(checkout)


def test_a_second_worktree(checkout: Path, tmp_path: Path) -> None:
    """Its branches, loose or packed, are the main checkout's."""
    tree = tmp_path / "tree"
    _git(checkout, "worktree", "add", "--quiet", str(tree))
    assert head_commit(tree) == _commit(tree)
    _git(checkout, "pack-refs", "--all")
    assert head_commit(tree) == _commit(tree)


def test_a_checkout_without_a_commit(tmp_path: Path) -> None:
    """Nothing has been committed yet, so there is nothing to name."""
    _git(tmp_path, "init", "--quiet")
    assert head_commit(tmp_path) == ""
    assert Checkout(tmp_path).dirty is None


def test_no_checkout_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page in a plain folder has no commit, and nobody claims one."""
    monkeypatch.chdir(tmp_path)
    here = Checkout(tmp_path)
    assert (here.commit, here.dirty, here.path_of(tmp_path / "a.md")) == ("", None, "a.md")


@pytest.mark.parametrize("head", ["", "ref: refs/heads/none\n", "not a commit\n", "ref: ../../etc/passwd\n", "\udcff"])
def test_a_damaged_checkout_names_no_commit(checkout: Path, head: str) -> None:
    """What cannot be read is not guessed."""
    (checkout / ".git" / "HEAD").write_bytes(head.encode(errors="surrogateescape"))
    assert head_commit(checkout) == ""


def test_a_clean_checkout_is_clean_until_something_changes(checkout: Path) -> None:
    """Changed and new files are both not what the commit says."""
    assert Checkout(checkout / "runbooks").dirty is False
    (checkout / "runbooks" / "new.md").write_text("new")
    assert Checkout(checkout).dirty is True
    (checkout / "runbooks" / "new.md").unlink()
    (checkout / "runbooks" / "gaia.md").write_text("changed, and of another length")
    assert Checkout(checkout).dirty is True


def test_without_git_the_commit_is_still_known(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container has the checkout and no git: the commit is named, and whether it is clean is left open."""
    commit = _commit(checkout)
    monkeypatch.setenv("PATH", "/nowhere")
    here = Checkout(checkout)
    assert (here.commit, here.dirty) == (commit, None)


def test_paths_are_the_repositorys(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub wants them so, from wherever the command was run."""
    monkeypatch.chdir(checkout / "runbooks")
    assert Checkout(Path()).path_of(Path("gaia.md")) == "runbooks/gaia.md"
    assert Checkout(Path()).path_of(Path("/elsewhere/a.md")) == "/elsewhere/a.md"


def test_a_password_on_the_command_line_is_not_kept(tmp_path: Path) -> None:
    """Not even one nobody has seen before, nor one that a shell must quote."""
    secrets.remember("it's $ecret")
    command = ["/usr/bin/invoke", "check", "--x=it's $ecret", "--url", "postgresql://u:hun@ter2@h/d", "--only", "a b"]
    made = provenance_of(page(one_of_each()), Checkout(tmp_path), command=command)
    assert made.command == "invoke check '--x=****' --url postgresql://u:****@h/d --only 'a b'"


def test_who_ran_it_where_is_said(tmp_path: Path) -> None:
    """An audit asks."""
    made = provenance_of(page(one_of_each()), Checkout(tmp_path), command=[])
    assert made.user
    assert made.host
    assert made.tool.startswith("pgrunbook ")
    assert (made.path, made.command) == ("runbooks/gaia.md", "''")
