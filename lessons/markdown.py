"""Markdown to HTML that is safe to show: raw HTML off, then a strict allow-list, whoever wrote the text.

Formulas become MathML and code gets its highlighting classes here, once, when text is saved or a block is
finished; nothing is rendered in the browser.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import cache
from urllib.parse import urlsplit
from xml.etree import ElementTree

import nh3
from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight as pygments_highlight  # type: ignore[import-untyped]  # has no types
from pygments.formatters.html import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.token import STANDARD_TYPES  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

FORMULA_LIMIT = 500  # characters; longer ones stay as they were typed
HEADING_LEVEL = 3  # h1 is the page's, h2 the section's

_TEXT_TAGS = {
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
}
_MATH_TAGS = {
    *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle"),
    *("msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd"),
}
_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # not even lang and title, which nh3 would let through
    "a": {"href"},
    "ol": {"start"},
    "math": {"display"},
    "mi": {"mathvariant"},
    "mo": {"stretchy", "fence", "form"},
    "mstyle": {"displaystyle", "scriptlevel"},
}
_CLASSES = {
    "div": {"scroller"},
    "span": {"link-host", "formula", "scroller", *(name for name in STANDARD_TYPES.values() if name)},
    "th": {"number"},
    "td": {"number"},
}
# A relative address may not name a host: `//host` and `/\host` leave the site.
_RELATIVE = re.compile(r"(?:#|/(?![/\\])|(?![/\\])[^:/?#\\]*(?:[/?#]|$))[^\\\s]*")
_SURROGATES = re.compile("[\ud800-\udfff]")
_FORMULA = re.compile(r"\$\$(?P<display>[^$]+)\$\$|\$(?P<inline>(?!\s)(?:\\\$|[^$\n])+?(?<!\s))\$(?!\d)")


def render_fragment(markdown: str) -> str:
    """Sanitised HTML of a piece of Markdown: a brief, an explanation, a finished block of the coach."""
    return sanitised(parser().render(readable(markdown)))


def render_line(markdown: str) -> str:
    """The same for text that stands inside a label or a sentence: no paragraph round it."""
    return sanitised(parser().renderInline(readable(markdown)))


def render_tokens(tokens: Sequence[Token], env: EnvType) -> str:
    """Sanitised HTML of tokens that `parser().parse(source, env)` gave."""
    return sanitised(parser().renderer.render(tokens, parser().options, env))


def plain_text(fragment: str) -> str:
    """The words of a fragment, for search and for quoting."""
    spaced = re.sub(r"</(?:p|li|h\d|td|th|div|blockquote)>|<br>", r" \g<0>", fragment)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", spaced)).split())


def sanitised(fragment: str) -> str:
    return nh3.clean(
        fragment,
        tags=_TEXT_TAGS | _MATH_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        tag_attribute_values={"div": {"tabindex": {"0"}}, "span": {"tabindex": {"0"}}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )


def readable(markdown: str) -> str:
    """The text without what no encoding can carry; NUL is left to the parser, which replaces it."""
    return _SURROGATES.sub("\ufffd", markdown)


@cache
def parser() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}, renderer_cls=_Renderer)
    md.enable(["table", "strikethrough"])
    md.disable("image")
    md.inline.ruler.after("escape", "formula", _formula_rule)
    md.validateLink = _may_link  # type: ignore[assignment, method-assign]  # markdown-it's own way
    return md


def _may_link(address: str) -> bool:
    address = address.strip()
    if re.match(r"https?://[^/\\\s]|mailto:[^\s]", address, re.IGNORECASE):
        return "\\" not in address
    return _RELATIVE.fullmatch(address) is not None


def _formula_rule(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # markdown-it calls it so
    match = _FORMULA.match(state.src, state.pos) if state.src[state.pos] == "$" else None
    if match is None or match.end() - match.start() > FORMULA_LIMIT:
        return False
    if not silent:
        token = state.push("formula", "math", 0)
        token.content = (match["display"] or match["inline"]).strip()
        token.meta = {"display": "block" if match["display"] else "inline"}
    state.pos = match.end()
    return True


def mathml(latex: str, *, display: str) -> str | None:
    """MathML of a formula; None when it cannot be read as one."""
    try:
        root = convert_to_element(latex, display=display)
    except Exception:  # the converter raises whatever its parser stumbles over
        return None
    for element in root.iter():
        # The converter keeps entities as text and leaves the rest unescaped; the serialiser escapes.
        element.text = html.unescape(element.text) if element.text else None
    return ElementTree.tostring(root, encoding="unicode")


def _highlighted(code: str, language: str) -> str:
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return html.escape(code)
    return str(pygments_highlight(code, lexer, HtmlFormatter(nowrap=True)))


class _Renderer(RendererHTML):
    """CommonMark's renderer with our headings, links that show their host, code, tables and formulas.

    What may have to scroll sideways takes the keyboard's focus, or it could not be scrolled without a mouse.
    """

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<{_heading(tokens[idx])}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"</{_heading(tokens[idx])}>\n"

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        host, label = _link_host_and_label(tokens, idx)
        shown = "" if not host or host in label else f' <span class="link-host">({html.escape(host)})</span>'
        return f"</a>{shown}"

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        language = (tokens[idx].info.split() or [""])[0]
        if language == "math":
            return f"<p>{_formula(tokens[idx].content.strip(), display='block')}</p>\n"
        return _code(_highlighted(tokens[idx].content, language))

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _code(html.escape(tokens[idx].content))

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="scroller" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _cell(tokens[idx])

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _cell(tokens[idx])

    def formula(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _formula(tokens[idx].content, display=str(tokens[idx].meta["display"]))


def _heading(token: Token) -> str:
    return f"h{max(HEADING_LEVEL, int(token.tag[1:]))}"


def _code(marked: str) -> str:
    return f'<div class="scroller" tabindex="0"><pre><code>{marked}</code></pre></div>\n'


def _cell(token: Token) -> str:
    number = "right" in str(token.attrs.get("style", ""))
    return f'<{token.tag} class="number">' if number else f"<{token.tag}>"


def _formula(latex: str, *, display: str) -> str:
    found = mathml(latex, display=display) if len(latex) <= FORMULA_LIMIT else None
    if not found:
        return f"<code>{html.escape(latex)}</code>"
    scrolls = ' class="formula scroller" tabindex="0"' if display == "block" else ' class="formula"'
    return f"<span{scrolls}>{found}</span>"


def _link_host_and_label(tokens: Sequence[Token], closing: int) -> tuple[str, str]:
    """Where the link that closes here leads outside the site, and the words it shows."""
    opening = next(i for i in range(closing, -1, -1) if tokens[i].type == "link_open")
    try:
        host = urlsplit(str(tokens[opening].attrs.get("href", ""))).hostname or ""
    except ValueError:
        host = ""
    return host, "".join(token.content for token in tokens[opening:closing])


def inline_text(children: Sequence[Token] | None) -> str:
    """The words of inline tokens, for titles."""
    return "".join(_inline_word(token) for token in children or ()).strip()


def _inline_word(token: Token) -> str:
    return " " if token.type in {"softbreak", "hardbreak"} else token.content
