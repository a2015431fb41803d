"""Dataset factories: which entry of a catalog stands for a name, and how its placeholders are filled."""

import re

import conftest
from hypothesis import event, given
from hypothesis import strategies as st

from tane import errors
from tane.catalog import catalogs

LITERALS = ("raw", "int", "x", "_", ".", "-")
PLACEHOLDERS = ("{a}", "{b}", "{name}")
WORDS = st.text("abx_.-", min_size=1, max_size=4) | st.sampled_from(["raw", "int_raw", "raw.x"])


@st.composite
def catalog(draw):
    """Entries, most of them factories, and names that fit them or do not."""
    parts = st.lists(st.sampled_from([*LITERALS, *PLACEHOLDERS, *PLACEHOLDERS]), min_size=1, max_size=5)
    entries = parts.map("".join).filter(lambda name: not name.startswith("_"))  # Kedro's loader leaves these out
    patterns = draw(st.lists(entries, min_size=1, max_size=5, unique=True))
    names = draw(st.lists(WORDS, max_size=2))
    for pattern in draw(st.lists(st.sampled_from(patterns), min_size=1, max_size=4)):
        meaning = {key: draw(WORDS) for key in PLACEHOLDERS}
        names.append(re.sub(r"\{\w+\}", lambda found, meaning=meaning: meaning[found[0]], pattern))
    return {pattern: _entry(number, pattern) for number, pattern in enumerate(patterns)}, names


def _entry(number, pattern):
    used = re.findall(r"\{\w+\}", pattern)
    return {
        "type": "text.TextDataset",
        "filepath": f"entry_{number}/{'+'.join(used)}.txt",
        "metadata": {"list": [f"<{one}>" for one in used], "number": number},
    }


def ours(config, names, root):
    """The place and metadata of each name, as Kedro's configuration has them; None where it lives in memory."""
    made = catalogs.Catalog.from_config(config, {}, root)
    found = [made.find(name) for name in names]
    return [one and {"filepath": one.place, "metadata": one.metadata} for one in found], made.patterns()


@given(drawn=catalog())
def test_the_entry_of_a_name_is_the_one_kedro_takes(kedro, drawn, tmp_path_factory):
    config, names = drawn
    try:
        order, resolved = kedro.ask("factories", config, names)
    except conftest.Refusal as refusal:
        order, resolved, why = None, None, str(refusal)
    try:
        found, tried = ours(config, names, tmp_path_factory.getbasetemp())
    except errors.TaneError:
        event("refused")
        assert order is None
        return
    assert order is not None, why
    assert tried == [pattern for pattern in order if pattern != "{default}"]
    expected = [None if one["type"] == "kedro.io.MemoryDataset" else one for one in resolved]
    assert found == [one and {"filepath": one["filepath"], "metadata": one["metadata"]} for one in expected]
