"""The report of the validation suite: one page that needs nothing else, and its figures."""

import re
from html.parser import HTMLParser

import pytest
from claims_made_up import HOSTILE

from fokker_planck.errors import ProblemError
from fokker_planck.quantity import Quantity
from validation import drawing, outcome, report
from validation.claim import Claim, Finding, Table, at_least, equal


class Reader(HTMLParser):
    """Counts what is open, and keeps the text, ids and everything that would be loaded."""

    EMPTY = {"meta", "br", "hr", "img", "link", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.texts, self.ids, self.loads, self.tags = [], [], [], [], set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in {"src", "href", "xlink:href", "data", "srcset"} and not value.startswith("#"):
                self.loads.append(value)
            assert not name.startswith("on"), f"a handler {name}"

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def draw(ax, beside):
    ax.loglog([1e-4, 1e-2], [1e-30, 1.0], color=drawing.BLUE, marker="o", label=HOSTILE)
    ax.legend()
    beside.errorbar([1, 2], [3, 4], yerr=[0.1, 0.2], color=drawing.RED)
    beside.set_title("a title")


def made_results():
    picture = drawing.figure("A caption <b>", "What it shows", draw, panels=2)
    other = drawing.figure("Another", "What it shows", lambda ax: ax.plot([1, 2], [3, 4]))
    checks = (
        equal("small", Quantity.of_log(-3000.0, 1e-6), Quantity.of_log(-3000.0, 0.0), 1e-6, HOSTILE),
        at_least("bound", 3.9, 3.5, "another reason"),
    )
    table = Table(HOSTILE, ("noise", HOSTILE), ((0.1, Quantity.of(1 / 3, 1e-4)), (None, HOSTILE)))
    finding = Finding(checks, (table,), (picture, other), (HOSTILE,))
    texts = {key: HOSTILE for key in ("title", "statement", "formula", "source")}
    outcomes = (
        outcome.Outcome(Claim("first", "eyring-kramers", **texts, compute=print), finding, seconds=2.0),
        outcome.Outcome(Claim("second", "witness", **texts, compute=print), None, HOSTILE, HOSTILE, 1.0),
    )
    return outcome.Results(outcomes, True, True, "2020-01-01 00:00 UTC", 75.0, HOSTILE, {"dolfinx": HOSTILE}, 1)


@pytest.fixture(scope="module")
def page():
    return report.page(made_results())


class TestThePage:
    def test_it_is_well_formed_and_needs_nothing_else(self, page):
        reader = Reader()
        reader.feed(page)
        assert reader.open == []
        assert reader.loads == []
        assert "script" not in reader.tags
        assert "iframe" not in reader.tags
        assert len(set(reader.ids)) == len(reader.ids)
        assert "://" not in page
        assert "@import" not in page
        assert set(re.findall(r"url\((.)", page)) <= {"#"}
        targets = re.findall(r'(?:href="|url\()#([^")]+)', page)
        assert len(targets) > 5
        assert set(targets) <= set(reader.ids)

    def test_all_text_is_escaped(self, page):
        reader = Reader()
        reader.feed(page)
        assert sum(HOSTILE in text for text in reader.texts) > 10
        assert "<script" not in page

    def test_it_is_made_for_phones_paper_and_the_dark(self, page):
        assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
        assert "@media print" in page
        assert "prefers-color-scheme: dark" in page
        assert page.count('<div class="scroll"') == 1
        for variable in set(drawing.VARIABLES.values()):
            assert page.count(f"--{variable}:") == 2, "once for light, once for dark"

    def test_numbers_have_the_digits_of_their_bars(self, page):
        assert "1.30784·10⁻¹³⁰³ <small>±1·10⁻⁶</small>" in page
        assert "0.3333 <small>±1·10⁻⁴</small>" in page
        assert "≥ 3.5" in page
        assert "1 of 2 claims fails" in page

    def test_the_summary_is_markdown_that_shows_any_text(self):
        text = report.markdown(made_results())
        assert "**1 of 2 claims fails** (quick run of 2020-01-01 00:00 UTC, 1 min 15 s)" in text
        assert "<script" not in text
        assert r"\| \`code\`" in text
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [4] * len(rows) == [4] * 4

    def test_the_summary_takes_its_place_in_a_page(self, tmp_path):
        path = tmp_path / "page.md"
        path.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
        report.check_page(path)
        for _ in range(2):
            report.put_into_page(path, made_results())
            text = path.read_text()
            assert text.startswith(f"before\n{report.BEGIN}\n\n**1 of 2")
            assert text.endswith(f"\n{report.END}\nafter\n")
            assert "\nold" not in text
        path.write_text("no place")
        with pytest.raises(ProblemError, match="--page: found .*; wanted a page with the lines"):
            report.check_page(path)
        with pytest.raises(ProblemError, match="--page: found .*; wanted a page that exists"):
            report.check_page(tmp_path / "none.md")


class TestDrawing:
    def test_colours_and_font_are_those_of_the_page(self):
        svg = drawing.figure("A caption", "What it shows", draw, panels=2).svg
        assert svg.count("<svg ") == svg.count("</svg>") == 2
        assert svg.count("<title ") == svg.count("<desc ") == 2
        assert {"ink", "muted", "blue", "red"} <= set(re.findall(r"var\(--(\w+)", svg))
        assert re.findall(r"(?<!, )#[0-9a-f]{6}\b", svg) == []
        assert "DejaVu" not in svg
        assert "10⁻²" in svg
        for width_of_its_own in ("width=", "height=", "<?xml", "DOCTYPE", "metadata", "dc:date"):
            assert width_of_its_own not in re.sub(r"stroke-width", "", svg.split("<g>")[0])

    def test_it_is_the_same_each_time(self):
        assert drawing.figure("c", "d", draw, panels=2) == drawing.figure("c", "d", draw, panels=2)

    def test_global_settings_stay(self):
        import matplotlib

        before = dict(matplotlib.rcParams)
        drawing.figure("c", "d", lambda ax: ax.plot([1, 2]))
        assert dict(matplotlib.rcParams) == before

    def test_another_colour_is_refused(self):
        with pytest.raises(ValueError, match="found the colour #123456"):
            drawing.figure("c", "d", lambda ax: ax.plot([1, 2], color="#123456"))
