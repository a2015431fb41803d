"""Spans of time as entries write them, and secrets as messages do not."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane.catalog import durations, masking


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("always", 0),
        ("once", math.inf),
        ("30s", 30),
        ("1.5h", 5400),
        ("1d 12h", 129_600),
        ("2w", 1_209_600),
        *((wrong, None) for wrong in ("", "6", "6 hours", "-1h", "0h", 6, True, None)),
    ],
)
def test_a_span_is_understood_or_refused(written, seconds):
    assert durations.seconds(written) == seconds


@given(st.integers(1, 6), st.sampled_from("smhdw"))
def test_words_are_understood_again(count, unit):
    span = durations.seconds(f"{count}{unit}")
    assert durations.seconds(durations.words(span)) == span


@pytest.mark.parametrize("name", ["api_key", "X-Amz-Signature", "accessToken", "Authorization", "password", "key"])
def test_names_of_secrets(name):
    assert masking.is_secret(name)


@pytest.mark.parametrize("name", ["monkey", "day", "keyboard", "tokens_per_day", "author", "signal"])
def test_names_of_what_is_no_secret(name):
    assert not masking.is_secret(name)


TEXTS = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), max_size=20)


@given(TEXTS.filter(lambda text: len(text) >= 3), TEXTS, TEXTS)
def test_a_secret_is_not_in_a_masked_text(secret, before, after):
    assert secret not in masking.text(f"{before}{secret}{after}", [secret])
