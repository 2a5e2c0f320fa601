"""What assistive technology is told of the controls on a page."""

from PySide6 import QtWidgets
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QComboBox, QWidget

_WHOLE = (QtWidgets.QAbstractItemView, QtWidgets.QAbstractSpinBox, QComboBox, QtWidgets.QLineEdit)
"""Parts of these belong to them and are spoken of as one with them."""
_CONTROLS = (*_WHOLE, QtWidgets.QAbstractButton, QtWidgets.QPlainTextEdit, QtWidgets.QTabBar)


def controls(page: QWidget) -> list[QWidget]:
    """Everything on the page that a person can work."""
    found = [one for kind in _CONTROLS for one in page.findChildren(kind) if one.isVisibleTo(page)]
    return [one for one in found if not _is_part(one, page)]


def unnamed(page: QWidget) -> list[str]:
    """Controls of which a screen reader cannot say what they are."""
    return [
        f"{type(one).__name__} in {type(one.parent()).__name__}" for one in controls(page) if not _said(one)
    ]


def _is_part(one: QWidget, page: QWidget) -> bool:
    parent = one.parentWidget()
    while parent is not None and parent is not page and not isinstance(parent, _WHOLE):
        parent = parent.parentWidget()
    return isinstance(parent, _WHOLE)


def _said(one: QWidget) -> str:
    told = QAccessible.queryAccessibleInterface(one)
    if not isinstance(one, QComboBox):
        return told.text(QAccessible.Text.Name)
    # Its name is what is chosen in it, at least on Linux.
    labels = [
        label.text(QAccessible.Text.Name) for label, _ in told.relations(QAccessible.RelationFlag.Label)
    ]
    return told.text(QAccessible.Text.Description) or " ".join(labels)
