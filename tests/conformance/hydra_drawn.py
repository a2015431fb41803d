"""Configurations as Hydra has them, drawn by hypothesis: mostly such as hold together, sometimes such as do not."""

from hypothesis import strategies as st

GROUPS = ("db", "db/engine", "model", "site")
OPTIONS = ("a", "b", "c")
NUMBERS = ("x", "y")
KEYS = (*NUMBERS, "m.x")
PACKAGES = ("p", "db", "q.r", "_here_", "_global_", "_global_.g", "_group_")
HEADERS = ("_global_", "p", "q.r", "db.engine")
NAMES = tuple(f"{group}/{option}" for group in GROUPS for option in OPTIONS)


def rarely(value, otherwise):
    """`value` in one of twelve cases."""
    return st.integers(0, 11).flatmap(lambda n: value if n == 11 else otherwise)


def values():
    """What a file says beside its defaults list. A key has values of one kind: that it keeps it is a difference."""
    number = rarely(st.just("???"), st.integers(0, 9))
    lists = st.lists(st.integers(0, 3), max_size=2)
    below = st.dictionaries(st.sampled_from(NUMBERS), number, max_size=2)
    kinds = {"x": number, "y": number, "l": lists, "m": below}
    return st.lists(st.sampled_from(sorted(kinds)), max_size=3, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: kinds[key] for key in keys})
    )


def option():
    """The name of an option, mostly one that is there."""
    return rarely(st.sampled_from(["nil", "???"]), st.sampled_from(OPTIONS))


@st.composite
def entry(draw, groups):
    """An entry of a defaults list."""
    group = draw(st.sampled_from(groups))
    kind = draw(st.sampled_from(["group"] * 8 + ["file", "several", "null", "interpolated", "optional"]))
    package = draw(rarely(st.sampled_from(PACKAGES).map(lambda name: f"@{name}"), st.just("")))
    if kind == "file":
        return f"{group}/{draw(option())}{package}"
    key = f"{group}{package}"
    if kind == "several":
        return {key: draw(st.lists(st.sampled_from(OPTIONS), min_size=1, max_size=2, unique=True))}
    if kind == "null":
        return {key: None}
    if kind == "interpolated":
        return {key: "${" + draw(st.sampled_from(["db", "model", "site", "db/engine"])) + "}"}
    if kind == "optional":
        return {f"optional {key}": draw(option())}
    return {key: draw(option())}


@st.composite
def defaults(draw, groups, most=3):
    """A defaults list: entries, perhaps _self_ among them, overrides at the end."""
    found = draw(st.lists(entry(groups), max_size=most, unique_by=repr))
    if draw(st.booleans()):
        found.insert(draw(st.integers(0, len(found))), "_self_")
    for group in draw(rarely(st.lists(st.sampled_from(groups), max_size=2, unique=True), st.just([]))):
        at = draw(rarely(st.sampled_from(PACKAGES).map(lambda name: f"@{name}"), st.just("")))
        found.append({f"override {group}{at}": draw(option())})
    return found


def seen_from(name):
    """The groups that a file may name: those below its own, and the others from the top."""
    own = name.rpartition("/")[0]
    below = [group.removeprefix(f"{own}/") for group in GROUPS if own and group.startswith(f"{own}/")]
    return [*(GROUPS if not own else below), *(f"/{group}" for group in GROUPS if group != own)]


@st.composite
def files(draw):
    """Files by name without suffix: [header, content]."""
    found = {}
    for name in ("config", *NAMES):
        if name != "config" and draw(rarely(st.just(True), st.just(False))):
            continue
        content = draw(values())
        header = None if name == "config" else draw(rarely(st.sampled_from(HEADERS), st.none()))
        if name == "config" or draw(rarely(st.just(True), st.just(False))):
            listed = draw(defaults(seen_from(name), 4 if name == "config" else 2))
            if listed or draw(st.booleans()):
                content = {"defaults": listed, **content}
        found[name] = [header, content]
    return found


@st.composite
def override(draw):
    """A choice, or a value."""
    sign = draw(st.sampled_from(["", "", "", "+", "~"]))
    if draw(st.booleans()):
        group = draw(st.sampled_from(GROUPS))
        package = draw(rarely(st.sampled_from(["@p", "@db", "@_global_"]), st.just("")))
        if sign == "~" and draw(st.booleans()):
            return f"~{group}{package}"
        chosen = draw(rarely(st.just("[a,b]"), option()))
        return f"{sign}{group}{package}={chosen}"
    key = draw(
        st.sampled_from([*KEYS, *(f"{group}.{key}" for group in ("db", "model", "p", "db.engine") for key in KEYS)])
    )
    if sign == "~":
        return f"~{key}"
    return f"{draw(st.sampled_from(['', '+', '++']))}{key}={draw(st.integers(0, 9))}"


def overrides():
    """What stands on the command line."""
    return st.lists(override(), max_size=3, unique_by=lambda text: text.lstrip("+~").partition("=")[0])
