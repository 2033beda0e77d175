"""The templates that show pictures, figures, fields and errors, rendered and read."""

import re
import tomllib
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.http import QueryDict
from django.template.loader import get_template, render_to_string

from lessons.figures import FIGURES
from lessons.figures.bars import Segment, token_bars

ROOT = Path(settings.BASE_DIR)


class Page(HTMLParser):
    """Start tags with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] or "" for _tag, attrs in self.tags if "id" in attrs]


class Sample(forms.Form):
    email = forms.EmailField(help_text="Only for signing in.")
    size = forms.ChoiceField(choices=[("s", "small"), ("l", "large")], widget=forms.RadioSelect)
    agreed = forms.BooleanField()
    share = forms.IntegerField(
        min_value=0, max_value=1000, widget=forms.NumberInput(attrs={"type": "range"}), initial=30
    )


def field_html(name: str, data: dict[str, str] | None = None) -> Page:
    return Page(render_to_string("components/field.html", {"field": Sample(data)[name]}))


def figure_page(name: str, query: str) -> Page:
    view = FIGURES[name].render(QueryDict(query))
    return Page(render_to_string("components/figure.html", {"figure": view}))


@pytest.mark.parametrize("name", ["email", "size", "agreed", "share"])
def test_field_labels_every_input_and_describes_it(name):
    page = field_html(name, {})
    inputs = page.of("input")
    labelled = {attrs["for"] for attrs in page.of("label")}
    assert all(attrs["id"] in labelled for attrs in inputs)
    described = {
        i for attrs in [*inputs, *page.of("fieldset")] for i in (attrs.get("aria-describedby") or "").split()
    }
    assert described <= set(page.ids)
    assert f"id_{name}_error" in described


def test_field_marks_what_is_wrong():
    assert field_html("email", {"email": "nope"}).of("input")[0]["aria-invalid"] == "true"


def test_field_shows_a_sliders_value_before_any_script_runs():
    html = render_to_string("components/field.html", {"field": Sample()["share"]})
    assert '<output for="id_share">30</output>' in html
    assert "1,000" in html


def test_errors_summary_leads_to_each_field():
    page = Page(render_to_string("components/errors_summary.html", {"form": Sample({})}))
    assert page.of("a")[0]["href"] == "#id_email"
    assert render_to_string("components/errors_summary.html", {"form": Sample()}).strip() == ""


def test_picture_has_two_drawings_a_sentence_and_a_table():
    picture = token_bars([("<b>A</b>", [Segment("x", 3, "task")])], title="<i>T</i>")
    html = render_to_string("components/picture.html", {"picture": picture})
    page = Page(html)
    assert len(page.of("svg")) == 2
    assert len(page.of("table")) == 1
    assert len(page.of("th")) == 4
    assert not page.of("b", "i")


@pytest.mark.parametrize("name", list(FIGURES))
def test_figure_asks_first_and_works_without_a_script(name):
    page = figure_page(name, "")
    assert len(page.of("svg")) == 0
    form = page.of("form")[0]
    assert form["method"] == "get"
    assert form["action"] == form["hx-get"] == f"/figures/{name}/"
    assert page.of("section")[0]["id"] == f"figure-{name}"


@pytest.mark.parametrize("name", list(FIGURES))
def test_figure_swaps_only_what_it_has(name):
    page = figure_page(name, "skip=1")
    form = page.of("form")[0]
    swapped = re.findall(r"#([\w-]+)", form["hx-select-oob"] or "")
    assert len(swapped) == len(FIGURES[name].controls_form().fields) + 1
    assert {*swapped, f"figure-{name}-result"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_figure_keeps_the_guess_while_the_controls_are_used():
    page = figure_page("parallel", "guess=0.9&set=1&calls=99")
    kept = {attrs["name"]: attrs["value"] for attrs in page.of("input") if attrs.get("type") == "hidden"}
    assert kept == {"set": "1", "guess": "0.9"}
    calls = next(attrs for attrs in page.of("input") if attrs.get("name") == "calls")
    assert calls["aria-invalid"] == "true"


def test_figure_escapes_what_was_guessed():
    params = QueryDict(mutable=True)
    params["guess"] = '"><script>alert(1)</script>'
    view = FIGURES["parallel"].render(params)
    assert "<script" not in render_to_string("components/figure.html", {"figure": view})


@pytest.mark.parametrize("code", ["400", "403", "404", "500"])
def test_error_pages_render_with_no_context_and_no_database(code):
    page = Page(get_template(f"{code}.html").render({}))
    assert len(page.of("h1")) == 1
    assert page.of("main")
    assert not page.of("script")


def test_forbidden_page_says_why_a_form_was_refused():
    assert "Reload it." in get_template("403.html").render({"explanation": "Reload it."})


def _markup() -> list[Path]:
    return [path for path in (ROOT / "templates").rglob("*.html") if "admin" not in path.parts]


def test_templates_carry_nothing_inline():
    inline: dict[str, list[Any]] = {
        str(path.relative_to(ROOT)): found
        for path in _markup()
        if (found := re.findall(r'<style|\sstyle="|\son[a-z]+="|<script(?![^>]*\ssrc=)', path.read_text()))
    }
    assert inline == {}


def test_vendored_files_are_recorded_and_unchanged():
    folder = ROOT / "static" / "vendor"
    recorded = tomllib.loads((folder / "VENDORED.toml").read_text())["file"]
    assert {each["path"]: each["sha256"] for each in recorded} == {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.woff2")
    }
    assert all(each["licence"] and each["version"] and each["project"] for each in recorded)
