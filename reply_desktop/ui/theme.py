"""The design system: spacing, type scale and colours in a light and a dark scheme that follow the system."""

from dataclasses import asdict, dataclass
from enum import IntEnum
from string import Template
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QStyleFactory, QWidget

from reply_desktop.domain.states import COLORS, Color, State
from reply_desktop.ui.resources import resource


class Space(IntEnum):
    """The only distances used between things, in device-independent pixels."""

    XXS = 2
    XS = 4
    S = 8
    M = 12
    L = 16
    XL = 24
    XXL = 32


RADIUS: Final = 6
"""Corner radius of controls, in pixels."""
CONTROL_HEIGHT: Final = 32
"""Height of buttons and fields, in pixels at 100 % text size."""
ROW_HEIGHT: Final = 40
"""Height of a table row, in pixels at 100 % text size."""
ICON: Final = 16
"""Side of an icon beside text, in pixels."""


class Type(IntEnum):
    """The type scale, as per cent of the system's text size."""

    CAPTION = 92
    BODY = 100
    SUBTITLE = 112
    TITLE = 140
    DISPLAY = 175


@dataclass(frozen=True, slots=True)
class Tone:
    """One meaning's colours: `fill` for shapes, `ink` for text on any surface, `soft` for a background."""

    fill: str
    ink: str
    soft: str


@dataclass(frozen=True, slots=True)
class Colors:
    """Every colour the app uses. `window` lies behind, `surface` carries content, `raised` floats."""

    window: str
    surface: str
    raised: str
    hover: str
    pressed: str
    selected: str
    border: str
    outline: str
    text: str
    muted: str
    disabled: str
    accent: str
    accent_hover: str
    accent_pressed: str
    on_accent: str
    focus: str
    danger: str
    danger_hover: str
    on_danger: str
    green: Tone
    orange: Tone
    red: Tone
    grey: Tone
    blue: Tone

    def tone(self, color: Color) -> Tone:
        """The colours of an indicator colour."""
        return {
            Color.GREEN: self.green,
            Color.ORANGE: self.orange,
            Color.RED: self.red,
            Color.GREY: self.grey,
        }[color]

    def state_tone(self, state: State) -> Tone:
        """The colours of a state: as its indicator, but blue while a sign-in is open."""
        if state is State.SIGNING_IN:
            return self.blue
        return self.tone(COLORS[state])


LIGHT: Final = Colors(
    window="#f5f6f8",
    surface="#ffffff",
    raised="#ffffff",
    hover="#f0f2f5",
    pressed="#e4e8ed",
    selected="#e6edfc",
    border="#e1e5ea",
    outline="#b6bec9",
    text="#1a202c",
    muted="#576173",
    disabled="#98a1af",
    accent="#2558d4",
    accent_hover="#1e4bb8",
    accent_pressed="#193f9c",
    on_accent="#ffffff",
    focus="#2558d4",
    danger="#c42b2b",
    danger_hover="#a82323",
    on_danger="#ffffff",
    green=Tone("#1f9d55", "#14713b", "#e6f5ec"),
    orange=Tone("#e08a00", "#945200", "#fef3df"),
    red=Tone("#d93636", "#b42323", "#fdeceb"),
    grey=Tone("#8590a0", "#576173", "#eef0f3"),
    blue=Tone("#3b70ea", "#2558d4", "#e8effd"),
)

DARK: Final = Colors(
    window="#16181c",
    surface="#1d2025",
    raised="#262a31",
    hover="#282c33",
    pressed="#323741",
    selected="#26365a",
    border="#31363f",
    outline="#565e6b",
    text="#e9ebef",
    muted="#a8b0bd",
    disabled="#6c7482",
    accent="#7aa5ff",
    accent_hover="#95b8ff",
    accent_pressed="#b0caff",
    on_accent="#0c1530",
    focus="#8fb4ff",
    danger="#ff8f87",
    danger_hover="#ffaaa4",
    on_danger="#2d0806",
    green=Tone("#45c07a", "#62cf91", "#183226"),
    orange=Tone("#f0a63a", "#f4b75c", "#3a2c15"),
    red=Tone("#f2605a", "#ff918a", "#402223"),
    grey=Tone("#8d96a5", "#a8b0bd", "#2a2e35"),
    blue=Tone("#6d9bff", "#8fb4ff", "#1f2c4b"),
)


class Theme(QObject):
    """The scheme in use. `changed` fires after the application was repainted in another scheme."""

    changed = Signal()

    def __init__(self, app: QApplication, forced: Qt.ColorScheme | None = None) -> None:
        super().__init__(app)
        self._app = app
        self._forced = forced
        self._base = QFont(app.font())
        self.colors = LIGHT
        app.setStyle(QStyleFactory.create("Fusion"))
        app.styleHints().colorSchemeChanged.connect(self._on_scheme)
        self._apply(self._wanted())

    @property
    def is_dark(self) -> bool:
        """Whether the dark scheme is in use."""
        return self.colors is DARK

    def force(self, scheme: Qt.ColorScheme | None) -> None:
        """Use this scheme whatever the system says; None follows the system again."""
        self._forced = scheme
        self._on_scheme()

    def font(self, size: Type = Type.BODY, *, strong: bool = False) -> QFont:
        """The system's font at one step of the scale."""
        font = QFont(self._base)
        if self._base.pointSizeF() > 0:
            font.setPointSizeF(self._base.pointSizeF() * size / 100)
        else:
            font.setPixelSize(round(self._base.pixelSize() * size / 100))
        if strong:
            font.setWeight(QFont.Weight.DemiBold)
        return font

    def _wanted(self) -> Colors:
        scheme = self._forced or self._app.styleHints().colorScheme()
        return DARK if scheme is Qt.ColorScheme.Dark else LIGHT

    def _on_scheme(self) -> None:
        if (wanted := self._wanted()) is not self.colors:
            self._apply(wanted)
            self.changed.emit()

    def _apply(self, colors: Colors) -> None:
        self.colors = colors
        self._app.setPalette(palette(colors))
        self._app.setStyleSheet(style_sheet(colors))


def scheme_named(name: object) -> Qt.ColorScheme | None:
    """The scheme of a setting: `light`, `dark`; None follows the system."""
    return {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(str(name))


_theme: Theme | None = None


def install(app: QApplication, forced: Qt.ColorScheme | None = None) -> Theme:
    """Give the application its look; once, before the first widget. A second call answers the same theme."""
    global _theme
    if _theme is None or _theme.parent() is not app:
        _theme = Theme(app, forced)
    return _theme


def theme() -> Theme:
    """The application's theme; installed on first use where the door has not done it (tests)."""
    if _theme is None:
        app = QApplication.instance()
        assert isinstance(app, QApplication), "a window needs an application"
        return install(app)
    return _theme


def colors() -> Colors:
    """The colours in use now; ask anew at each painting, the scheme may change."""
    return theme().colors


def scaled(pixels: int) -> int:
    """A height given at 100 % text size, grown with the system's text size so that no text is cut."""
    return max(pixels, round(pixels * QFontMetrics(theme().font()).height() / 16))


def palette(colors: Colors) -> QPalette:
    """Qt's palette in these colours, for whatever the style sheet does not name."""
    made = QPalette()
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    for which, color in (
        (role.Window, colors.window),
        (role.WindowText, colors.text),
        (role.Base, colors.surface),
        (role.AlternateBase, colors.hover),
        (role.Text, colors.text),
        (role.Button, colors.raised),
        (role.ButtonText, colors.text),
        (role.BrightText, colors.red.ink),
        (role.ToolTipBase, colors.raised),
        (role.ToolTipText, colors.text),
        (role.PlaceholderText, colors.muted),
        (role.Highlight, colors.accent),
        (role.HighlightedText, colors.on_accent),
        (role.Accent, colors.accent),
        (role.Link, colors.accent),
        (role.LinkVisited, colors.accent),
        (role.Light, colors.raised),
        (role.Midlight, colors.border),
        (role.Mid, colors.outline),
        (role.Dark, colors.outline),
        (role.Shadow, colors.border),
    ):
        made.setColor(which, QColor(color))
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(group.Disabled, which, QColor(colors.disabled))
    return made


def style_sheet(colors: Colors) -> str:
    """The application's style sheet in these colours."""
    flat = {
        f"{name}_{part}" if isinstance(value, dict) else name: shade
        for name, value in asdict(colors).items()
        for part, shade in (value.items() if isinstance(value, dict) else (("", value),))
    }
    look = "dark" if colors is DARK else "light"
    pictures = {
        name.replace("-", "_"): resource(f"style/{name}-{look}.svg").as_posix()
        for name in ("check", "dash", "chevron", "chevron-on-accent")
    }
    text = resource("style/app.qss").read_text(encoding="utf-8")
    return Template(text).substitute(flat, **pictures, radius=RADIUS)


def label(text: str = "", size: Type = Type.BODY, *, strong: bool = False, muted: bool = False) -> QLabel:
    """A plain-text label of one step of the scale; `muted` for what is secondary."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if size is not Type.BODY or strong:
        made.setFont(theme().font(size, strong=strong))
    if muted:
        mark(made, "tone", "muted")
    return made


def mark(widget: QWidget, name: str, value: str | bool) -> None:
    """Set a property the style sheet looks at (`kind`, `tone`, …) and restyle the widget."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()


def device_pixel_ratio() -> float:
    """The finest screen's pixels per unit, so that pictures are sharp on every screen."""
    app = QGuiApplication.instance()
    assert isinstance(app, QGuiApplication)
    return max(1.0, app.devicePixelRatio())
