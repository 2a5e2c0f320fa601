"""Entra's error bodies."""

from datetime import UTC, datetime

import pytest

from reply_desktop.sandbox.entra import ENTRA, MFA_CLAIMS, entra_error

NOW = datetime(2026, 3, 2, 9, 0, 5, tzinfo=UTC)


def test_the_shape_of_a_body() -> None:
    status, body = entra_error(50173, NOW, "my-id")
    assert status == 400
    assert set(body) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
        "suberror",
    }
    assert (body["error"], body["suberror"], body["correlation_id"]) == (
        "invalid_grant",
        "bad_token",
        "my-id",
    )
    assert body["timestamp"] == "2026-03-02 09:00:05Z"
    assert body["error_uri"].endswith("?code=50173")


def test_what_is_asked_for_goes_before_the_table() -> None:
    _, body = entra_error(
        50076, NOW, error="interaction_required", suberror="x", claims=MFA_CLAIMS, text="Text."
    )
    assert (body["error"], body["suberror"], body["claims"]) == ("interaction_required", "x", MFA_CLAIMS)
    assert body["error_description"].startswith("AADSTS50076: Text. Trace ID: ")


def test_an_unknown_code_is_an_invalid_grant() -> None:
    status, body = entra_error(123456, NOW)
    assert (status, body["error"], body["error_codes"]) == (400, "invalid_grant", [123456])


@pytest.mark.parametrize("code", ENTRA)
def test_every_row_is_told_like_a_sentence(code: int) -> None:
    assert ENTRA[code].text.endswith(".") and ENTRA[code].status in (400, 401)
