"""The commit that results name, asked of git without a trace in the checkout."""

import os
import shutil
import subprocess

import pytest

from fokker_planck.output import origin


def git(folder, *arguments):
    who = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    return subprocess.run(["git", "-C", folder, *who, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git to ask; results then name no commit")
def test_a_commit_is_told_and_whether_files_have_changed_without_writing_the_index(tmp_path, monkeypatch):
    """An index that is refreshed is locked: a run killed then left the lock, and no commit could be made."""
    git(tmp_path, "init", "-q")
    (tmp_path / "pyproject.toml").write_text("")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    monkeypatch.setattr(origin, "CHECKOUT", tmp_path)
    os.utime(tmp_path / "pyproject.toml", (1e9, 1e9))  # what git would note in its index
    before = (tmp_path / ".git" / "index").read_bytes()
    known = git(tmp_path, "rev-parse", "HEAD").strip()
    assert origin._commit() == known
    (tmp_path / "pyproject.toml").write_text("changed")
    assert origin._commit() == f"{known}-dirty"
    assert (tmp_path / ".git" / "index").read_bytes() == before


def test_where_git_is_not_installed_results_name_no_commit(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(origin, "CHECKOUT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert origin._commit() is None
