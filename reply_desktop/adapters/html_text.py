"""The plain text beside an HTML message, laid out as a browser would, with the links spelled out."""

from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_document_state import HtmlDocumentState
from inscriptis.model.tag import CustomHtmlTagHandlerMapping

_SPELLED = ("http://", "https://", "mailto:", "tel:")
"""Links whose target says something to a reader."""


def _open_link(state: HtmlDocumentState, attributes: dict[str, str]) -> None:
    target = attributes.get("href", "").strip()
    state.link_target = target if target.lower().startswith(_SPELLED) else ""


def _close_link(state: HtmlDocumentState) -> None:
    if state.link_target:
        state.tags[-1].write(f" <{state.link_target}>")


def html_as_text(html: str) -> str:
    """The text of an HTML body; a link is followed by its target in angle brackets, a picture is its
    alternative text.

    Raises RecursionError when elements are nested some hundreds deep.
    """
    config = ParserConfig(
        css=CSS_PROFILES["strict"].copy(),
        display_images=True,
        custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping({"a": _open_link}, {"a": _close_link}),
    )
    lines = get_text(html, config).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"
