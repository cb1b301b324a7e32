"""What every denial promises, whatever the dialect."""

REASONS = {"rate_limited", "budget_exhausted", "team_limited"}


def weir_object(error):
    """The `weir` object, which both SDKs show as `error.body["weir"]` and the raw body has at its top."""
    weir = error.body["weir"]
    assert weir == error.response.json()["weir"]
    return weir


def assert_limit_denial(error):
    assert error.status_code == 429
    weir = weir_object(error)
    assert weir["reason"] in REASONS
    assert weir["limit"]
    assert weir["resets_at"]
    assert weir["retry_after"] >= 1
    assert int(error.response.headers["retry-after"]) == weir["retry_after"]
    assert error.response.headers["weir-request-id"]


def assert_from_provider(error, status):
    """The provider's own error, passed on as it was."""
    assert error.status_code == status
    body = error.response.json()
    assert "weir" not in body and "weir" not in body["error"]
    assert f"Simulated status {status}." in str(error)
