"""The validation suite: verdicts, the registry, what an interruption leaves, what becomes of a claim."""

import math
import re
import sys
import time

import numpy as np
import pytest
from claims_made_up import CLAIM_TEXT, HEADER, put_package

from fokker_planck.errors import ProblemError
from fokker_planck.quantity import Quantity
from validation import encoding, numbers, outcome, progress, registry, state
from validation.claim import Claim, Figure, Finding, Table, at_least, at_most, equal, near, worst


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder with a package of claims."""
    return put_package(tmp_path_factory.mktemp("claims") / "made_up")


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (equal("two", 2.0 * (1.0 + 0.9e-6), 2.0, 1e-6, "-"), True),
        (equal("two", 2.0 * (1.0 - 1.1e-6), 2.0, 1e-6, "-"), False),
        (equal("a factor two", Quantity.of_log(-2999.3, 0), Quantity.of_log(-3000.0, 0), 0.5, "-"), False),
        (equal("beyond doubles", Quantity.of_log(-3000.0 + 1e-7, 0), Quantity.of_log(-3000.0, 0), 1e-6, "-"), True),
        (equal("far beyond", Quantity.of_log(3000.0, 0), Quantity.of_log(-3000.0, 0), 1e-6, "-"), False),
        (equal("negative", -2.0, -2.0, 1e-6, "-"), True),
        (equal("wrong sign", -2.0, 2.0, 0.5, "-"), False),
        (near("zero", 1e-9, 0.0, 1e-8, "-"), True),
        (near("zero", -1e-7, 0.0, 1e-8, "-"), False),
        (at_most("bound", 1.0, 1.0, "-"), True),
        (at_most("bound", 1.01, 1.0, "-"), False),
        (at_least("bound", 1.0, 1.0, "-"), True),
        (at_least("bound", 0.99, 1.0, "-"), False),
        (at_least("too large for a double", Quantity.of_log(3000.0, 0), 1.0, "-"), True),
    ],
    ids=lambda value: value.what if hasattr(value, "what") else "",
)  # fmt: skip
def test_a_check_holds_within_its_tolerance_and_not_beyond(check, holds):
    assert check.holds is holds
    assert Finding((check,)).holds is holds


def test_the_worst_number_fails_or_is_the_nearest_to_it():
    half, tenth = near("half", 0.5, 0.0, 1.0, "-"), near("tenth", 0.1, 0.0, 1.0, "-")
    kept, missed = at_most("kept", 0.0, 1.0, "-"), at_least("missed", 0.0, 1.0, "-")
    assert worst([tenth, half, kept]) is half
    assert worst([half, missed, tenth]) is missed
    assert not Finding(()).holds


def test_what_was_encoded_comes_back_to_the_last_bit():
    value = {
        "beyond": Quantity.of_log(-5000.123456789, 1e-9),
        "unknown": [Quantity.of(1 / 3, math.inf), None, True, "text", -0.1],
    }
    assert encoding.from_text(encoding.as_text(value)) == value
    unknown = encoding.from_text(encoding.as_text(Quantity.of(1.0, math.nan)))
    assert math.isnan(unknown.relative_error)
    assert encoding.from_text(encoding.as_text((np.float64(0.1), np.int64(2), np.arange(2.0)))) == [0.1, 2, [0.0, 1.0]]
    with pytest.raises(TypeError, match="found a set; wanted numbers"):
        encoding.as_text({"sets": {1}})
    finding = Finding(
        (near("x", 1.0, 2.0, 3.0, "b"),), (Table("c", ("a", "b"), ((1, None),)),), (Figure("c", "d", "<svg/>"),), ("r",)
    )
    assert encoding.as_finding(encoding.from_text(encoding.as_text(encoding.as_dict(finding)))) == finding


class TestRegistry:
    def test_claims_are_found_by_being_there_in_the_order_of_the_groups(self, package, monkeypatch):
        monkeypatch.syspath_prepend(package.parent)
        known = registry.claims("made_up")
        names = [claim.name for claim in known]
        assert names == ["wrong-one", "good-one", "dying", "raising"]
        assert [claim.name for claim in registry.chosen([], True, known)] == names[:2]
        assert [claim.name for claim in registry.chosen(["raising", "good-one"], False, known)] == [names[1], names[3]]

    def test_an_unknown_name_is_answered_with_those_that_are_near(self, package, monkeypatch):
        monkeypatch.syspath_prepend(package.parent)
        known = registry.claims("made_up")
        with pytest.raises(ProblemError, match="claim: found godo-one; wanted one of good-one"):
            registry.chosen(["godo-one"], False, known)
        with pytest.raises(ProblemError, match="claim: found zzz; wanted one of wrong-one, good-one, dying, raising"):
            registry.chosen(["zzz"], False, known)
        with pytest.raises(ProblemError, match="claim: found dying; wanted a claim that has a quick part"):
            registry.chosen(["dying"], True, known)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("", "found no CLAIM"),
            (HEADER + CLAIM_TEXT.format(name="other", group="seeds", statement="", quick=True), "of the name 'other'"),
        ],
    )
    def test_a_file_without_its_claim_is_an_error(self, tmp_path, monkeypatch, text, complaint):
        folder = tmp_path / f"bad_{abs(hash(complaint))}"
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "some_claim.py").write_text(text.replace(" compute,", " print,"))
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(ValueError, match=complaint):
            registry.claims(folder.name)

    def test_every_claim_of_the_suite_says_what_and_why(self):
        known = registry.claims()
        assert len({claim.name for claim in known}) == len(known) > 0
        for claim in known:
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", claim.name)
            for text in (claim.title, claim.statement, claim.formula, claim.source):
                assert text.strip() == text != "", claim.name
            assert claim.statement.endswith("."), claim.name


class TestMemory:
    def memory(self, tmp_path, **options):
        return state.Memory(tmp_path / "claim", True, **options)

    def test_a_step_is_computed_once(self, tmp_path):
        times, names = [], []
        for _ in range(2):
            memory = self.memory(tmp_path, told=names.append)
            value = memory.step("solve, eps 0.1", lambda: times.append(1) or (Quantity.of(2.0, 1e-9), (1, 2)))
            assert value == [Quantity.of(2.0, 1e-9), [1, 2]]
        assert len(times) == 1
        assert names == ["solve, eps 0.1"] * 2

    def test_the_time_of_a_step_counts_where_it_is_remembered(self, tmp_path):
        first = self.memory(tmp_path)
        first.step("slow", lambda: time.sleep(0.05))
        assert first.seconds_before == 0.0
        again = self.memory(tmp_path)
        again.step("slow", lambda: 1 // 0)
        assert again.seconds_before >= 0.05

    def test_a_name_that_comes_twice_is_refused(self, tmp_path):
        memory = self.memory(tmp_path)
        memory.step("solve", lambda: 1)
        with pytest.raises(ValueError, match="'solve' came twice"):
            memory.step("solve", lambda: 2)

    @pytest.mark.parametrize("left", ["", "{", "[]", '{"name": "another", "value": 3}'])
    def test_what_a_crash_left_incomplete_is_computed_again(self, tmp_path, left):
        self.memory(tmp_path).step("solve", lambda: 1)
        (path,) = (tmp_path / "claim").iterdir()
        path.write_text(left)
        assert self.memory(tmp_path).step("solve", lambda: 2) == 2

    def test_a_step_that_fails_is_not_remembered(self, tmp_path):
        with pytest.raises(ZeroDivisionError):
            self.memory(tmp_path).step("solve", lambda: 1 // 0)
        assert self.memory(tmp_path).step("solve", lambda: 3) == 3

    def test_a_source_a_version_or_a_mode_makes_another_state(self, tmp_path):
        (tmp_path / "a.py").write_text("x = 1")
        first = state.fingerprint([tmp_path], {"dolfinx": "0.5.2"})
        assert first == state.fingerprint([tmp_path], {"dolfinx": "0.5.2"})
        assert first != state.fingerprint([tmp_path], {"dolfinx": "0.9.0"})
        (tmp_path / "a.py").write_text("x = 2")
        second = state.fingerprint([tmp_path], {"dolfinx": "0.5.2"})
        assert first != second
        folder = tmp_path / "report"
        old, quick = state.open_state(folder, "full", first), state.open_state(folder, "quick", first)
        new = state.open_state(folder, "full", second)
        assert (old.exists(), quick.exists(), new.exists()) == (False, True, True)
        state.forget(new, [])
        state.forget(quick, [])
        assert list(folder.iterdir()) == []

    def test_two_runs_do_not_share_a_folder(self, tmp_path):
        with state.locked(tmp_path / "report"):
            with pytest.raises(ProblemError, match="--report: found .*report; wanted another folder, or to wait"):
                with state.locked(tmp_path / "report"):
                    pass
        with state.locked(tmp_path / "report"):
            pass

    def test_a_file_in_the_way_is_one_line(self, tmp_path):
        (tmp_path / "report").write_text("")
        with pytest.raises(ProblemError, match="--report: found .*; wanted a folder that can be written"):
            with state.locked(tmp_path / "report"):
                pass


def claim_of(compute):
    return Claim("made", "seeds", "Made", "It is made.", "1", "Nobody (1900)", compute)


class TestOutcome:
    def test_an_error_of_the_computation_is_a_claim_that_fails(self, tmp_path):
        content = outcome.compute(claim_of(lambda run: math.sqrt("four")), state.Memory(tmp_path, False))
        found = outcome.outcome(claim_of(print), content)
        assert not found.holds
        assert found.error == "TypeError: must be real number, not str"
        assert "Traceback" in found.trace
        assert found.worst is None

    @pytest.mark.parametrize(
        ("finding", "error"),
        [
            (Finding(()), "ValueError: found no check"),
            (Finding((equal("zero", -1.0, 0.0, 1e-3, "-"),)), "ZeroDivisionError"),
            (Finding((near("x", 1.0, 1.0, 1.0, "-"),), (Table("c", ("a",), (({1},),)),)), "TypeError: found a set"),
        ],
    )
    def test_a_finding_that_says_nothing_fails(self, tmp_path, finding, error):
        content = outcome.compute(claim_of(lambda run: finding), state.Memory(tmp_path, False))
        assert content["error"].startswith(error)

    def test_verdict_in_words(self):
        good = outcome.Outcome(claim_of(print), Finding((near("x", 1.0, 1.0, 1.0, "-"),)))
        bad = outcome.Outcome(claim_of(print), None, "an error")
        sets = ((good,), (good, good), (good, bad))
        results = [outcome.Results(these, False, False, "", 0.0, "", {}) for these in sets]
        assert [one.verdict for one in results] == ["the claim holds", "all 2 claims hold", "1 of 2 claims fails"]
        assert [one.holds for one in results] == [True, True, False]
        assert not outcome.Results((), False, False, "", 0.0, "", {}).holds


def test_a_terminal_gets_a_bar_and_what_fails_at_once(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    good = outcome.Outcome(claim_of(print), Finding((near("x", 1.0, 1.0, 1.0, "-"),)))
    shown = progress.progress(2, quiet=False)
    assert isinstance(shown, progress.Bar)
    with shown:
        shown.begins("made")
        shown.step("made", "[a] step of any length " * 9)
        shown.ended(good, 1, 2)
        shown.ended(outcome.Outcome(claim_of(print), None, "an [error]"), 2, 2)
    assert "made FAILS, 0.0 s: an [error]" in capsys.readouterr().err
    assert isinstance(progress.progress(2, quiet=True), progress.Silent)


def test_numbers_that_are_compared_show_the_difference():
    check = equal("x", 1.00012345, 1.0, 1e-5, "-")
    assert (numbers.computed(check), numbers.expected(check)) == ("1.000123", "1")
    assert numbers.share(check) == "12 times"
