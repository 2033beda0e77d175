"""Nothing that a text contains becomes anything but text, formatting and links to where it says."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons.markdown import plain_text, render_fragment, render_line

TAGS = {
    *(
        "p",
        "br",
        "hr",
        "h3",
        "h4",
        "h5",
        "h6",
        "strong",
        "em",
        "s",
        "code",
        "pre",
        "blockquote",
        "span",
        "div",
    ),
    *("a", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"),
    *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle"),
    *("msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd"),
}
ATTRIBUTES = {
    *("href", "rel", "class", "start", "tabindex", "display", "mathvariant", "stretchy", "fence", "form"),
    *("displaystyle", "scriptlevel"),
}

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><maction actiontype='statusline' xlink:href='javascript:alert(1)'>x</maction></math>",
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action='https://evil.example'><button formaction=javascript:alert(1)>go</button></form>",
    "<div hx-post='/me/delete/' hx-trigger='load'></div>",
    "<div data-hx-get='/me/delete/' data-hx-trigger='load'></div>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<object data='javascript:alert(1)'></object>",
    "<details open ontoggle=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "![canary](https://evil.example/canary.png)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    '![x](https://evil.example/a.png "onerror=alert(1)")',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example/x)",
    "[x](/\\evil.example/x)",
    "[x](\\\\evil.example/x)",
    "[x](https:evil.example)",
    "[x](blob:https://example.org/x)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x](https://example.org "&quot; onmouseover=alert(1)")',
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    '```html" onclick="alert(1)\n<b>\n```',
    "$\\text{<img src=x onerror=alert(1)>}$",
    "$\\text{</mtext></math><script>alert(1)</script>}$",
    "$\\href{javascript:alert(1)}{x}$",
    "$$\\text{<style><img src=x onerror=alert(1)>}$$",
    "$\\text{&lt;script&gt;alert(1)&lt;/script&gt;}$",
    "```math\n\\text{<svg onload=alert(1)>}\n```",
    "| <img src=x onerror=alert(1)> |\n|---|\n| [x](javascript:alert(1)) |",
    "# <img src=x onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "<!-- --><script>alert(1)</script> -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?>",
    "\x00<script\x00>alert(1)</script>",
    "\ud800<script>alert(1)</script>",
]


class Oracle(HTMLParser):
    """Reads the result as a browser's parser roughly would, and remembers whatever is not allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            self.wrong.append(tag)
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.wrong.append(f"{tag} {name}")
            if name == "href" and not safe_address(value or ""):
                self.wrong.append(f"href {value}")

    def handle_comment(self, data):
        self.wrong.append(f"comment {data}")

    def handle_decl(self, decl):
        self.wrong.append(f"declaration {decl}")

    def handle_pi(self, data):
        self.wrong.append(f"instruction {data}")


def safe_address(address: str) -> bool:
    if address.startswith(("http://", "https://", "mailto:", "#")):
        return True
    return ":" not in address.split("/", maxsplit=1)[0] and not address.startswith(("//", "/\\", "\\"))


def what_is_wrong(fragment: str) -> list[str]:
    oracle = Oracle()
    oracle.feed(fragment)
    oracle.close()
    return oracle.wrong


def test_oracle_finds_what_it_must_find():
    assert what_is_wrong("<img src=x onerror=alert(1)>")
    assert what_is_wrong("<a href='javascript:alert(1)'>x</a>")
    assert what_is_wrong("<p hx-post='/x'>x</p>")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_render_fragment_hostile_text_is_only_text(payload: str):
    assert what_is_wrong(render_fragment(payload)) == []
    assert what_is_wrong(render_line(payload)) == []
    assert what_is_wrong(render_fragment(f"- before\n\n  {payload}\n\n> {payload}\n")) == []


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PAYLOADS), st.text(max_size=20)), max_size=6).map("".join))
def test_render_fragment_any_text_is_safe_and_never_fails(text: str):
    assert what_is_wrong(render_fragment(text)) == []


@settings(deadline=None)
@given(st.text(alphabet="$\\{}^_&<>abc123 \n*`[]()|#-", max_size=120))
def test_render_fragment_any_markup_is_safe_and_never_fails(text: str):
    assert what_is_wrong(render_fragment(text)) == []


def test_render_fragment_external_link_shows_its_host_and_keeps_no_opener():
    shown = render_fragment("[our report](https://evil.example/x?y=1)")
    assert 'rel="noopener noreferrer"' in shown
    assert "(evil.example)" in shown


def test_render_fragment_link_that_shows_its_host_does_not_repeat_it():
    assert render_fragment("<https://example.org/x>").count("example.org") == 2


def test_render_fragment_link_inside_the_site_stays_bare():
    assert 'href="/courses/a/b/#c"' in render_fragment("[there](/courses/a/b/#c)")
    assert "link-host" not in render_fragment("[there](/courses/a/b/#c)")


def test_render_fragment_formula_becomes_mathml():
    shown = render_fragment("so $p \\times t$ it is")
    assert "<math" in shown
    assert "<mo>×</mo>" in shown


@pytest.mark.parametrize("text", ["from $3 to $15", "$0.25/$1.25", "a \\$5 note costs \\$5", "US$3 (US$15)"])
def test_render_fragment_prices_are_not_formulas(text: str):
    assert "<math" not in render_fragment(text)


def test_render_fragment_unreadable_formula_stays_as_typed():
    assert "<code>a_{</code>" in render_fragment("see $a_{$ here")


def test_render_fragment_headings_stay_below_the_section():
    assert render_fragment("# a\n\n## b\n\n#### c") == "<h3>a</h3>\n<h3>b</h3>\n<h4>c</h4>\n"


def test_render_fragment_code_is_highlighted_with_classes_only():
    shown = render_fragment("```python\ndef f(): ...\n```")
    assert '<span class="k">def</span>' in shown
    assert "style" not in shown


def test_plain_text_keeps_words_apart_and_entities_read():
    assert plain_text(render_fragment("# A\n\n- b\n- c & d < e")) == "A b c & d < e"
