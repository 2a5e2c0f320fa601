"""The rooms of sequences fit together, and load no template engine before a step needs it."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reply_desktop.domain.enrollment import Thread
from reply_desktop.domain.errors import InvalidInput
from reply_desktop.domain.prospect import Prospect
from reply_desktop.domain.sequence import Step
from reply_desktop.engine.sequence_parts import LazyComposer
from tests.fakes.clock import START


def test_an_engine_without_steps_loads_no_template_engine(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from reply_desktop.config import Config;"
        "from reply_desktop.engine.build import build;"
        f"parts = build(Config(Path({str(tmp_path)!r}))); parts.sequences.desk.rows(); parts.close();"
        "sys.exit(', '.join({'jinja2', 'inscriptis', 'yaml'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_composer_is_the_real_one() -> None:
    composer = LazyComposer()
    step = Step("s", 1, 0.0, "Hello {{ name }}", "Text")
    prospect = Prospect("p", "one@prospect.example", datetime(2026, 3, 2, tzinfo=UTC), {"name": "One"})
    assert composer.fields_of(step) == ("name",)
    rendered = composer.render(step, prospect, sender="ana@example.com", sender_name="", thread=Thread())
    composed = composer.compose(
        rendered,
        sender="ana@example.com",
        sender_name="",
        recipient=prospect.email,
        now=START,
        marker="m1",
        thread=Thread(),
        unsubscribe=True,
    )
    assert b"Subject: Hello One\r\n" in composed.mime and "m1" in composed.message_id
    with pytest.raises(InvalidInput):
        composer.fields_of(Step("s", 1, 0.0, "{{", "Text"))
