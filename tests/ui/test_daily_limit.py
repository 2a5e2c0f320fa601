"""The field for the daily limit: it offers to save what was changed and keeps what is being typed."""

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reply_desktop.ui.daily_limit import DailyLimit


@pytest.fixture
def limit(qtbot: QtBot) -> DailyLimit:
    made = DailyLimit()
    qtbot.addWidget(made)
    made.show()
    made.put(50)
    return made


def test_only_a_change_can_be_saved(qtbot: QtBot, limit: DailyLimit) -> None:
    assert limit.field.value() == 50 and not limit.save.isEnabled()
    limit.field.setValue(80)
    with qtbot.waitSignal(limit.wanted) as wanted:
        limit.save.click()
    assert wanted.args == [80]
    limit.put(80)
    assert not limit.save.isEnabled()


def test_news_do_not_overwrite_what_is_typed(limit: DailyLimit) -> None:
    limit.field.setValue(80)
    limit.put(60)
    assert limit.field.value() == 80 and limit.save.isEnabled()
    limit.put(40, anew=True)
    assert limit.field.value() == 40


def test_news_show_where_nothing_was_typed(limit: DailyLimit) -> None:
    limit.put(60)
    assert limit.field.value() == 60


def test_several_that_differ_show_none_and_can_be_given_any(qtbot: QtBot, limit: DailyLimit) -> None:
    limit.put(None)
    assert not limit.field.text().strip() and not limit.save.isEnabled()
    limit.field.lineEdit().end(False)
    QTest.keyClicks(limit.field, "25")
    with qtbot.waitSignal(limit.wanted) as wanted:
        limit.save.click()
    assert wanted.args == [25]
    limit.put(25)
    assert not limit.save.isEnabled()
    limit.put(1, anew=True)
    assert limit.field.text() == "1" and not limit.save.isEnabled()


def test_typed_digits_count_as_they_stand(qtbot: QtBot, limit: DailyLimit) -> None:
    limit.field.selectAll()
    QTest.keyClicks(limit.field, "120")
    with qtbot.waitSignal(limit.wanted) as wanted:
        limit.save.click()
    assert wanted.args == [120]
