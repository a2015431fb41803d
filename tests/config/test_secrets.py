from __future__ import annotations

import copy
import json
import pickle

import pytest

from tane.config import secret


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda s: f"{s:>3}", lambda s: f"{[s]}"])
def test_a_secret_is_never_printed(show):
    assert "hunter2" not in show(secret.Secret("hunter2"))


def test_a_secret_is_not_written_as_json():
    with pytest.raises(TypeError):
        json.dumps({"key": secret.Secret("hunter2")})


def test_a_secret_survives_pickle_and_copy():
    hidden = secret.Secret("hunter2")
    assert pickle.loads(pickle.dumps(hidden)).reveal() == "hunter2"
    assert copy.deepcopy(hidden) == hidden


def test_mask_leaves_only_the_shape():
    assert secret.mask({"a": ["x", {"b": 1}]}) == {"a": ["***", {"b": "***"}]}
