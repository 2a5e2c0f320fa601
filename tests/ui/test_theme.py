"""The design system: readable in both schemes, and following the system."""

from dataclasses import asdict
from itertools import product

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLabel

from reply_desktop.domain.states import COLORS, Color, State
from reply_desktop.ui import icons, theme
from reply_desktop.ui.theme import DARK, LIGHT, Colors, Type


def luminance(shade: str) -> float:
    """Relative luminance, WCAG 2.2."""
    color = QColor(shade)
    parts = [color.redF(), color.greenF(), color.blueF()]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


SCHEMES = pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])


@SCHEMES
def test_text_is_readable_on_every_surface(colors: Colors) -> None:
    surfaces = (colors.window, colors.surface, colors.raised, colors.hover, colors.selected)
    for ink, surface in product((colors.text, colors.muted), surfaces):
        assert contrast(ink, surface) >= 4.5, (ink, surface)


@SCHEMES
def test_tones_are_readable_on_surfaces_and_on_their_own_background(colors: Colors) -> None:
    for name in ("green", "orange", "red", "grey", "blue"):
        tone = getattr(colors, name)
        for surface in (colors.window, colors.surface, colors.hover, colors.selected, tone.soft):
            assert contrast(tone.ink, surface) >= 4.5, (name, tone.ink, surface)
        assert contrast(colors.text, tone.soft) >= 4.5, name
        # Shapes and edges: WCAG 1.4.11 asks for 3:1; orange and green also differ by shape and word.
        assert contrast(tone.fill, colors.surface) >= 2.3, name


@SCHEMES
def test_buttons_are_readable(colors: Colors) -> None:
    for back in (colors.accent, colors.accent_hover, colors.accent_pressed):
        assert contrast(colors.on_accent, back) >= 4.5
    for back in (colors.danger, colors.danger_hover):
        assert contrast(colors.on_danger, back) >= 4.5
    assert contrast(colors.accent, colors.surface) >= 4.5
    assert contrast(colors.focus, colors.surface) >= 3


@SCHEMES
def test_every_color_is_a_color_and_the_sheet_uses_no_other(colors: Colors) -> None:
    flat = [
        shade
        for value in asdict(colors).values()
        for shade in (value.values() if isinstance(value, dict) else [value])
    ]
    assert all(QColor(shade).isValid() and shade.startswith("#") for shade in flat)
    sheet = theme.style_sheet(colors)
    assert "$" not in sheet
    named = {
        word.strip(";,") for word in sheet.split() if word.startswith("#") and len(word.strip(";,")) == 7
    }
    assert named <= set(flat)


def test_states_have_tones_and_only_a_sign_in_is_blue() -> None:
    for state in State:
        wanted = LIGHT.blue if state is State.SIGNING_IN else LIGHT.tone(COLORS[state])
        assert LIGHT.state_tone(state) is wanted
    assert {LIGHT.tone(color).fill for color in Color} == {
        LIGHT.green.fill,
        LIGHT.orange.fill,
        LIGHT.red.fill,
        LIGHT.grey.fill,
    }


def test_the_scheme_changes_palette_sheet_and_icons(qapp: QApplication) -> None:
    look = theme.theme()
    label = QLabel()
    icons.put_icon(label, "bell")
    try:
        look.force(Qt.ColorScheme.Light)
        light = label.pixmap().toImage()
        seen = []
        look.changed.connect(lambda: seen.append(look.is_dark))
        look.force(Qt.ColorScheme.Dark)
        assert seen == [True] and theme.colors() is DARK
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK.window)
        assert DARK.surface in qapp.styleSheet()
        assert label.pixmap().toImage() != light
        look.force(Qt.ColorScheme.Dark)
        assert seen == [True]
    finally:
        look.force(None)


def test_schemes_by_name() -> None:
    assert theme.scheme_named("dark") is Qt.ColorScheme.Dark
    assert theme.scheme_named("light") is Qt.ColorScheme.Light
    assert theme.scheme_named("system") is theme.scheme_named(None) is None


def test_the_type_scale_grows_with_the_system(qapp: QApplication) -> None:
    look = theme.theme()
    sizes = [look.font(size).pointSizeF() for size in Type]
    assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes)
    assert theme.scaled(40) >= 40


def test_marks_restyle_once(qapp: QApplication) -> None:
    label = theme.label("x", Type.TITLE, strong=True, muted=True)
    assert label.property("tone") == "muted" and label.textFormat() is Qt.TextFormat.PlainText
    theme.mark(label, "tone", "red")
    assert label.property("tone") == "red"


def test_installing_twice_gives_the_same_theme(qapp: QApplication) -> None:
    assert theme.install(qapp) is theme.theme()
