"""A table of edits: what stands before, what after, whether the digest of `pkg.nodes:fit` must change.

Each text holds one or more files, each begun by a line `# file: path`; without one it is pkg/nodes.py. Short ones
stand in code_edits.txt.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple


class Edit(NamedTuple):
    name: str
    before: str
    after: str
    changes: bool
    root: str = "pkg.nodes:fit"


EDITS: list[Edit] = []


def edit(name: str, before: str, old: str, new: str, changes: bool, root: str = "pkg.nodes:fit") -> None:
    """An edit that replaces `old`, which must be there once, by `new`."""
    assert before.count(old) == 1, (name, before.count(old))
    EDITS.append(Edit(name, before, before.replace(old, new), changes, root))


HELPERS = """
# file: pkg/nodes.py
from pkg.features import scale
def fit(x):
    return scale(x) + 1
# file: pkg/features.py
from .maths import double
RATE = 3
OTHER = 5
def scale(x):
    return double(x) * RATE
def unused(x):
    return x * OTHER
# file: pkg/maths.py
def double(x):
    return x * 2
def triple(x):
    return x * 3
"""
edit("own body", HELPERS, "scale(x) + 1", "scale(x) + 2", True)
edit("helper in another module", HELPERS, "double(x) * RATE", "double(x) / RATE", True)
edit("helper of a helper", HELPERS, "x * 2", "x * 20", True)
edit("constant of a helper", HELPERS, "RATE = 3", "RATE = 4", True)
edit("constant by equal value, other type", HELPERS, "RATE = 3", "RATE = 3.0", True)
edit("constant written differently", HELPERS, "RATE = 3", "RATE = 1 + 2", False)
edit("unused helper", HELPERS, "x * OTHER", "x - OTHER", False)
edit("unused constant", HELPERS, "OTHER = 5", "OTHER = 6", False)
edit("unused helper in a third module", HELPERS, "x * 3", "x * 4", False)
edit("comment", HELPERS, "    return double(x) * RATE", "    # why\n    return double(x) * RATE  # so", False)
edit("blank lines", HELPERS, "def scale(x):\n", "\n\n\ndef scale(x):\n\n", False)
edit("formatting", HELPERS, "scale(x) + 1", "(\n        scale( x )\n        + 1\n    )", False)
edit("docstring added", HELPERS, "def scale(x):\n", 'def scale(x):\n    """Scale."""\n', False)
edit("annotations added", HELPERS, "def scale(x):", "def scale(x: float) -> float:", False)
edit(
    "parameter renamed",
    HELPERS,
    "def scale(x):\n    return double(x)",
    "def scale(y):\n    return double(y)",
    True,
)
edit("other import of the same name", HELPERS, "import double", "import triple as double", True)
edit("imported from a new name", HELPERS, "import double\n", "import double as double\n", False)
EDITS.append(
    Edit(
        "helper moved to another module",
        HELPERS,
        """
# file: pkg/nodes.py
from pkg.elsewhere import scale
def fit(x):
    return scale(x) + 1
# file: pkg/elsewhere.py
from pkg.maths import double
RATE = 3
def scale(x):
    return double(x) * RATE
# file: pkg/maths.py
def double(x):
    return x * 2
""",
        False,
    )
)
EDITS.append(
    Edit(
        "helper moved, its constant stays",
        HELPERS,
        """
# file: pkg/nodes.py
from pkg.maths import double
from pkg.features import RATE
def scale(x):
    return double(x) * RATE
def fit(x):
    return scale(x) + 1
# file: pkg/features.py
RATE = 3
# file: pkg/maths.py
def double(x):
    return x * 2
""",
        False,
    )
)
EDITS.append(
    Edit(
        "file renamed",
        HELPERS,
        HELPERS.replace("pkg.features", "pkg.shaping").replace("pkg/features.py", "pkg/shaping.py"),
        False,
    )
)
edit(
    "definitions reordered",
    "def a(x): return x + 1\ndef b(x): return x + 2\ndef fit(x): return a(b(x))\n",
    "def a(x): return x + 1\ndef b(x): return x + 2\n",
    "def b(x): return x + 2\ndef a(x): return x + 1\n",
    False,
)
edit(
    "local annotations",
    "def fit(x):\n    y = x\n    return y\n",
    "y = x",
    "y: int = x",
    False,
)
edit(
    "alias of a constant",
    "# file: pkg/c.py\nA = 1\n# file: pkg/nodes.py\nfrom pkg.c import A as b\ndef fit(x): return b\n",
    "A = 1",
    "A = 2",
    True,
)
edit(
    "star import",
    "# file: pkg/c.py\ndef g(): return 1\n# file: pkg/nodes.py\nfrom pkg.c import *\ndef fit(): return g()\n",
    "return 1",
    "return 2",
    True,
)

METHODS = """
import functools
class Other:
    pass
class Base:
    def shift(self, x):
        return x - 1
class Model(Base):
    rate = 2
    def __init__(self, k=1):
        self.k = k
    @property
    def width(self):
        return self.k * 3
    @staticmethod
    def plain(x):
        return x + 4
    @classmethod
    def make(cls):
        return cls(5)
    @functools.cached_property
    def cached(self):
        return 6
    class Inner:
        depth = 7
    def predict(self, x):
        return tool(x) * 8
def tool(x):
    return x + 9
def fit(x):
    return Model().predict(x)
"""
edit("method", METHODS, "tool(x) * 8", "tool(x) * 80", True)
edit("helper of a method", METHODS, "x + 9", "x + 90", True)
edit("inherited method", METHODS, "x - 1", "x - 10", True)
edit("class attribute", METHODS, "rate = 2", "rate = 20", True)
edit("default of a method", METHODS, "k=1", "k=10", True)
edit("property", METHODS, "self.k * 3", "self.k * 30", True)
edit("static method", METHODS, "x + 4", "x + 40", True)
edit("class method", METHODS, "cls(5)", "cls(50)", True)
edit("cached property", METHODS, "return 6", "return 60", True)
edit("nested class", METHODS, "depth = 7", "depth = 70", True)
edit("base class", METHODS, "class Model(Base)", "class Model(Base, Other)", True)
edit("unused class", METHODS, "class Other:\n    pass", "class Other:\n    x = 1", False)
edit("docstring of a class", METHODS, "class Base:\n", 'class Base:\n    """A base."""\n', False)
edit(
    "docstring of a method",
    METHODS,
    "def shift(self, x):\n",
    'def shift(self, x):\n        """Shift."""\n',
    False,
)
edit("comment in a class", METHODS, "    rate = 2", "    # the rate\n    rate = 2", False)
edit("method annotations", METHODS, "def shift(self, x):", "def shift(self, x: int) -> int:", False)
edit("class as the node", METHODS, "tool(x) * 8", "tool(x) * 80", True, "pkg.nodes:Model")
edit(
    "bound method as the node",
    METHODS + "run = Model(3).predict\n",
    "tool(x) * 8",
    "tool(x)",
    True,
    "pkg.nodes:run",
)
edit(
    "state of a bound method",
    METHODS + "run = Model(3).predict\n",
    "Model(3)",
    "Model(4)",
    True,
    "pkg.nodes:run",
)
edit(
    "callable instance",
    METHODS + "class Call(Model):\n    def __call__(self, x): return x\nrun = Call(3)\n",
    "Call(3)",
    "Call(4)",
    True,
    "pkg.nodes:run",
)
edit(
    "code of a callable instance",
    METHODS + "class Call(Model):\n    def __call__(self, x): return x\nrun = Call(3)\n",
    "self, x): return x\n",
    "self, x): return -x\n",
    True,
    "pkg.nodes:run",
)

DATACLASS = """
import dataclasses, enum, typing
from dataclasses import field
LIMIT = 4
@dataclasses.dataclass(frozen=True)
class Options:
    rate: float = 0.1
    depth: int = field(default=3)
    names: list = field(default_factory=lambda: ["a"])
class Kind(enum.Enum):
    ONE = 1
    TWO = LIMIT
class Point(typing.NamedTuple):
    x: int = 7
    y: int = 8
OPTIONS = Options(rate=0.5)
KIND = Kind.ONE
def fit(x):
    return Options().rate, Kind.TWO, Point(1)
def use(x):
    return OPTIONS.rate
def kind(x):
    return KIND
"""
edit("dataclass default", DATACLASS, "float = 0.1", "float = 0.2", True)
edit("dataclass annotation", DATACLASS, "rate: float", "rate: int", True)
edit("dataclass decorator", DATACLASS, "frozen=True", "frozen=False", True)
edit("dataclass field", DATACLASS, "default=3", "default=4", True)
edit("dataclass factory", DATACLASS, '["a"]', '["b"]', True)
edit("enum value", DATACLASS, "ONE = 1", "ONE = 11", True)
edit("constant in an enum", DATACLASS, "LIMIT = 4", "LIMIT = 5", True)
edit("named tuple default", DATACLASS, "y: int = 8", "y: int = 9", True)
edit("state of a constant instance", DATACLASS, "Options(rate=0.5)", "Options(rate=0.6)", True, "pkg.nodes:use")
edit("class of a constant instance", DATACLASS, "default=3", "default=4", True, "pkg.nodes:use")
edit("constant enum member", DATACLASS, "KIND = Kind.ONE", "KIND = Kind.TWO", True, "pkg.nodes:kind")

WRAPPED = """
import functools, contextlib
FACTOR = 2
def twice(f):
    @functools.wraps(f)
    def inner(*args):
        return FACTOR * f(*args)
    return inner
def plainly(f):
    def inner(*args):
        return f(*args) + 100
    return inner
def scaled(by):
    def decorate(f):
        @functools.wraps(f)
        def inner(*args):
            return by * f(*args)
        return inner
    return decorate
@contextlib.contextmanager
def opened(x):
    yield x + 11
@functools.lru_cache(maxsize=None)
def slow(x):
    return x + 12
@functools.singledispatch
def show(x):
    return 13
@show.register
def _(x: int):
    return 14
def add(a, b, c=15):
    return a + b + c
part = functools.partial(add, 16, c=17)
@twice
@scaled(3)
@plainly
def fit(x):
    with opened(x) as y:
        return slow(y) + show(x) + part(1)
def maker(k):
    def made(x):
        return x + k
    return made
made = maker(18)
"""
edit("decorator's wrapper", WRAPPED, "FACTOR * f", "FACTOR - f", True)
edit("constant of a decorator", WRAPPED, "FACTOR = 2", "FACTOR = 3", True)
edit("decorator without wraps", WRAPPED, "+ 100", "+ 101", True)
edit("argument of a decorator", WRAPPED, "@scaled(3)", "@scaled(4)", True)
edit("body behind decorators", WRAPPED, "slow(y) + show(x)", "slow(y) - show(x)", True)
edit("context manager", WRAPPED, "x + 11", "x + 110", True)
edit("lru_cache body", WRAPPED, "x + 12", "x + 120", True)
edit("singledispatch base", WRAPPED, "return 13", "return 130", True)
edit("singledispatch implementation", WRAPPED, "return 14", "return 140", True)
edit("default", WRAPPED, "c=15", "c=150", True)
edit("partial argument", WRAPPED, "add, 16", "add, 160", True)
edit("partial keyword", WRAPPED, "c=17", "c=170", True)
edit("partial as the node", WRAPPED, "add, 16", "add, 160", True, "pkg.nodes:part")
edit("function of a partial node", WRAPPED, "a + b + c", "a * b + c", True, "pkg.nodes:part")
edit("closure value", WRAPPED, "maker(18)", "maker(19)", True, "pkg.nodes:made")
edit("closure body", WRAPPED, "return x + k", "return x * k", True, "pkg.nodes:made")
edit("decorator removed", WRAPPED, "@twice\n@scaled", "@scaled", True)

SYNTAX = """
W = 1
def g(x): return x
def h(x): return 2 * x
def cond(x): return 3
async def later(x):
    return g(x)
def gen(x):
    yield 4
class Sized:
    size = 5
def fit(x, rows=(), key="k"):
    a = [g(r) for r in rows if r > 6]
    b = f"{h(x):>{W}} text"
    if (n := len(a)) > 7:
        return later(x)
    c = lambda q: q + 8
    match x:
        case {"key": v, **rest}:
            return v
        case Sized(size=9):
            return next(gen(x))
    def nested(z):
        return cond(z) + 10
    return sorted(rows, key=c), nested(n), b
"""
edit("comprehension body", SYNTAX, "[g(r)", "[h(r)", True)
edit("comprehension condition", SYNTAX, "r > 6", "r > 60", True)
edit("f-string text", SYNTAX, "text", "texts", True)
edit("f-string format", SYNTAX, ":>{W}", ":<{W}", True)
edit("constant in an f-string format", SYNTAX, "W = 1", "W = 2", True)
edit("helper in an f-string", SYNTAX, "2 * x", "3 * x", True)
edit("walrus", SYNTAX, "> 7", ">= 7", True)
edit("lambda inside", SYNTAX, "q + 8", "q - 8", True)
edit("match pattern", SYNTAX, "size=9", "size=90", True)
edit("class in a pattern", SYNTAX, "size = 5", "size = 50", True)
edit("generator", SYNTAX, "yield 4", "yield 40", True)
edit("nested function", SYNTAX, "cond(z) + 10", "cond(z) - 10", True)
edit("helper of a nested function", SYNTAX, "return 3", "return 30", True)
edit("async helper's helper", SYNTAX, "def g(x): return x", "def g(x): return -x", True)
edit("literal default", SYNTAX, 'key="k"', 'key="l"', True)

SCOPES = """
rows = 1
data = 2
def fit(x):
    data = x
    def inner():
        return data
    total = [rows for rows in rows]
    return inner(), total
def bump():
    global data
    data += 1
    return data
"""
edit("global read by the first iterable", SCOPES, "rows = 1", "rows = 10", True)
edit("global hidden by a local", SCOPES, "data = 2", "data = 20", False)
edit("global statement", SCOPES, "data = 2", "data = 20", True, "pkg.nodes:bump")

TABLES = """
import threading, logging, re
from pathlib import Path
REGISTRY = {}
def register(name):
    def note(f):
        REGISTRY[name] = f
        return f
    return note
@register("a")
def first(x):
    return 1
TABLE = {"double": lambda x: x * 2, "triple": lambda x: x * 3}
NESTED = {"a": [1, {"b": (2, 3)}]}
WORDS = {"x", "y"}
LOG = logging.getLogger(__name__)
LOCK = threading.Lock()
PATTERN = re.compile("p+")
PLACE = Path("/elsewhere/file")
def fit(x):
    return [f(x) for f in REGISTRY.values()]
def table(x):
    LOG.info("hello")
    with LOCK:
        return TABLE["double"](x), NESTED, WORDS, PATTERN, PLACE
# file: pkg/plugins.py
from pkg.nodes import register
@register("plugin")
def plugin(x):
    return 5
# file: pkg/__init__.py
from pkg import plugins
"""
edit("registered here", TABLES, "return 1", "return 10", True)
edit("registered elsewhere", TABLES, "return 5", "return 50", True)
edit("registered under another name", TABLES, '"plugin"', '"plug"', True)
edit("lambda in a table", TABLES, "x * 2", "x * 20", True, "pkg.nodes:table")
edit("second lambda on the line", TABLES, "x * 3", "x * 30", True, "pkg.nodes:table")
edit("nested constant", TABLES, "(2, 3)", "(2, 4)", True, "pkg.nodes:table")
edit("set constant", TABLES, '"y"}', '"z"}', True, "pkg.nodes:table")
edit("set in another order", TABLES, '{"x", "y"}', '{"y", "x"}', False, "pkg.nodes:table")
edit("pattern", TABLES, '"p+"', '"q+"', True, "pkg.nodes:table")
edit("path", TABLES, "/elsewhere/file", "/elsewhere/files", True, "pkg.nodes:table")
edit("logger's comment", TABLES, "LOG = ", "# a log\nLOG = ", False, "pkg.nodes:table")

MODULES = """
# file: pkg/nodes.py
from pkg import helpers
from . import deep
import pkg.deep.inner as inner
def fit(x):
    return helpers.scale(x) + deep.inner.low(x)
def local(x):
    from .helpers import scale as s
    return s(x)
def dotted(x):
    import pkg.deep.inner
    return pkg.deep.inner.low(x)
def numbers(x):
    from math import floor as f
    return f(x)
# file: pkg/helpers.py
K = 1
def scale(x):
    return x * K
def unused(x):
    return 2
# file: pkg/deep/__init__.py
# file: pkg/deep/inner.py
def low(x):
    return 3
def high(x):
    return 4
"""
edit("function through its module", MODULES, "x * K", "x + K", True)
edit("constant of a module's function", MODULES, "K = 1", "K = 10", True)
edit("other function of the module", MODULES, "return 2", "return 20", False)
edit("function of a submodule", MODULES, "return 3", "return 30", True)
edit("other function of a submodule", MODULES, "return 4", "return 40", False)
edit("import inside", MODULES, "x * K", "x + K", True, "pkg.nodes:local")
edit("import inside, other function", MODULES, "return 2", "return 20", False, "pkg.nodes:local")
edit("dotted import inside", MODULES, "return 3", "return 30", True, "pkg.nodes:dotted")
edit("dotted import inside, other function", MODULES, "return 4", "return 40", False, "pkg.nodes:dotted")
edit("library import inside", MODULES, "import floor", "import ceil", True, "pkg.nodes:numbers")

LIBRARIES = """
from math import floor as rounded
import statistics as st
try:
    import not_installed_anywhere
except ImportError:
    not_installed_anywhere = None
if st:
    def chosen(x):
        return 1
else:
    def chosen(x):
        return 2
def fit(x):
    return rounded(x), st.mean(x), chosen(x)
"""
edit("library function behind an alias", LIBRARIES, "floor as", "ceil as", True)
edit("library module behind an alias", LIBRARIES, "statistics as", "random as", True)
edit("condition taken", LIBRARIES, "return 1", "return 10", True)
edit("condition not taken", LIBRARIES, "return 2", "return 20", False)

WHOLE = """
# file: pkg/nodes.py
import importlib, sys
from importlib import resources
from pathlib import Path
from pkg import helpers
TEMPLATE = Path(__file__).parent / "words.txt"
def fit(name, x):
    return getattr(helpers, name)(x)
def by_import(x):
    return importlib.import_module("pkg." + x)
def by_modules(x):
    return sys.modules["pkg.far"]
def by_eval(x):
    return eval(x)
def by_globals(x):
    return globals()[x]
def by_file(x):
    return Path(__file__).with_name("words.txt").read_text()
def by_resources(x):
    return resources.files("pkg")
def by_path(x):
    return TEMPLATE.read_text()
def lazily(x):
    return helpers.appears(x)
def direct(x):
    return helpers.scale(x)
# file: pkg/helpers.py
def scale(x):
    return 1
def __getattr__(name):
    return scale
# file: pkg/far.py
FAR = 2
# file: pkg/words.txt
some words
"""
for word in ("fit", "by_import", "by_modules", "by_eval", "by_globals", "by_file", "by_resources", "lazily"):
    edit(f"whole package, code: {word}", WHOLE, "FAR = 2", "FAR = 20", True, f"pkg.nodes:{word}")
    edit(f"whole package, data: {word}", WHOLE, "some words", "other words", True, f"pkg.nodes:{word}")
    edit(f"whole package, comment: {word}", WHOLE, "FAR = 2", "FAR = 2  # far", False, f"pkg.nodes:{word}")
edit("file of the package behind a constant", WHOLE, "some words", "other words", True, "pkg.nodes:by_path")
edit("other code beside such a constant", WHOLE, "FAR = 2", "FAR = 20", False, "pkg.nodes:by_path")
edit("not whole, data", WHOLE, "some words", "other words", False, "pkg.nodes:direct")
edit("not whole, code", WHOLE, "FAR = 2", "FAR = 20", False, "pkg.nodes:direct")

TEXT = """
import inspect
def documented(x):
    '''About this.'''
    return x
def fit(x):
    return documented.__doc__
def other(x):
    return inspect.getsource(documented)
"""
edit("docstring that is read", TEXT, "About this", "About that", True)
edit("source that is read", TEXT, "    return x\n", "    return x  # comment\n", True, "pkg.nodes:other")

EFFECTS = """
import os, random, sys
SEED = 1
random.seed(SEED)
os.environ["TANE_TEST_MODE"] = "a"
def fit(x):
    return random.random()
def main():
    print("hello")
if __name__ == "__main__":
    main()
"""
edit("module code acts outside", EFFECTS, "random.seed(SEED)", "random.seed(SEED + 1)", True)
edit("constant of module code", EFFECTS, "SEED = 1", "SEED = 2", True)
edit("environment set by module code", EFFECTS, '"a"', '"b"', True)
edit("main guard", EFFECTS, "    main()\n", "    main(); main()\n", False)

CYCLES = """
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
def fit(x): return even(x)
"""
edit("mutual recursion", CYCLES, "n != 0", "n > 0", True)
edit("mutual recursion, formatting", CYCLES, "n != 0", "(n != 0)", False)
edit("keyword default", "def fit(x, *, k={}): return k\n", "{}", "{1: 2}", True)
edit("global dict filled at import", "D = {}\nD['a'] = 1\ndef fit(x): return D\n", "= 1", "= 2", True)
edit(
    "monkey patch",
    "# file: pkg/h.py\ndef f(x): return 1\n# file: pkg/nodes.py\nimport pkg.h\ndef g(x): return 2\n"
    "pkg.h.f = g\ndef fit(x): return pkg.h.f(x)\n",
    "return 2",
    "return 3",
    True,
)
edit(
    "metaclass",
    "class M(type):\n    k = 1\nclass C(metaclass=M): pass\ndef fit(x): return C()\n",
    "k = 1",
    "k = 2",
    True,
)
edit(
    "init_subclass",
    "class B:\n    def __init_subclass__(cls): cls.k = 1\nclass C(B): pass\ndef fit(x): return C.k\n",
    "cls.k = 1",
    "cls.k = 2",
    True,
)
edit(
    "value from the outside at import",
    "import os\nK = os.environ.get('TANE_NO_SUCH', '1')\ndef fit(x): return K\n",
    "'1'",
    "'2'",
    True,
)

TOLD = """
import functools, numpy
def ours(f):
    @functools.wraps(f)
    def inner(*a):
        return f(*a)
    return inner
@ours
def fit(x):
    '''About fit.'''
    return x
@numpy.vectorize
def theirs(x):
    '''About theirs.'''
    return x
"""
edit("docstring behind a decorator of the project", TOLD, "About fit", "On fit", False)
edit("docstring that a library's decorator may read", TOLD, "About theirs", "On theirs", True, "pkg.nodes:theirs")
# what follows was once missed by others: each is a way in which code hides from its name
SKLEARN = """
# file: pkg/nodes.py
from sklearn.preprocessing import FunctionTransformer
from sklearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression
from pkg import helpers
PIPELINE = make_pipeline(FunctionTransformer(lambda d: helpers.scale(d)), LogisticRegression(C=1.0))
def fit(x): return PIPELINE.fit(x)
# file: pkg/helpers.py
def scale(x): return x + 1
"""
edit("lambda inside of a library's object", SKLEARN, "x + 1", "x + 2", True)
edit("settings of a library's object", SKLEARN, "C=1.0", "C=2.0", True)
edit(
    "class as decorator",
    """class deco:
    def __init__(self, f): self.f = f
    def __call__(self, *a): return self.f(*a) + 5
@deco
def g(x): return x + 1
def fit(x): return g(x)
""",
    "+ 5",
    "+ 6",
    True,
)
edit(
    "function behind a class as decorator",
    """class deco:
    def __init__(self, f): self.f = f
    def __call__(self, *a): return self.f(*a) + 5
@deco
def g(x): return x + 1
def fit(x): return g(x)
""",
    "x + 1",
    "x + 2",
    True,
)
edit(
    "function given to an instance",
    """class C: pass
c = C()
def g(x): return x + 1
c.f = g
def fit(x): return c.f(x)
""",
    "x + 1",
    "x + 2",
    True,
)
edit(
    "module in a dict",
    """# file: pkg/h.py
def f(x): return 1
# file: pkg/nodes.py
import pkg.h as h
M = {'a': h}
def fit(x): return M['a'].f(x)
""",
    "return 1",
    "return 2",
    True,
)
edit(
    "module in a closure",
    """# file: pkg/h.py
def f(x): return 1
# file: pkg/nodes.py
def make():
    from pkg import h
    def fit(x): return h.f(x)
    return fit
fit = make()
""",
    "return 1",
    "return 2",
    True,
)
edit(
    "class made in a function",
    """def make():
    class A:
        def go(self): return 1
    return A
A = make()
def fit(x): return A().go()
""",
    "return 1",
    "return 2",
    True,
)
edit(
    "named tuple made by a call",
    """from collections import namedtuple
P = namedtuple('P', 'a b')
def fit(x): return P(1, 2)
""",
    "'a b'",
    "'a c'",
    True,
)
edit(
    "enum made by a call",
    """from enum import Enum
P = Enum('P', {'a': 1})
def fit(x): return P.a
""",
    "'a': 1",
    "'a': 2",
    True,
)
edit(
    "class made by type()",
    """def m(self): return 1
P = type('P', (), {'m': m})
def fit(x): return P().m()
""",
    "return 1",
    "return 2",
    True,
)
edit(
    "method replaced from outside",
    """class C:
    def f(self): return 0
def g(self): return 1
C.f = g
def fit(x): return C().f()
""",
    "return 1",
    "return 2",
    True,
)
edit(
    "class attribute set from outside",
    """class C:
    k = 0
C.k = 5
def fit(x): return C.k
""",
    "C.k = 5",
    "C.k = 6",
    True,
)
edit(
    "slots of an instance",
    """class B:
    __slots__ = ('a',)
b = B()
b.a = 3
def fit(x): return b.a
""",
    "b.a = 3",
    "b.a = 4",
    True,
)
edit(
    "content of a dict subclass",
    """class D(dict): pass
d = D(a=1)
def fit(x): return d
""",
    "a=1",
    "a=2",
    True,
)
edit(
    "generator as a constant",
    """g = (i for i in range(3))
def fit(x): return list(g)
""",
    "range(3)",
    "range(4)",
    True,
)
edit(
    "bound builtin method",
    """f = {'a': 1}.get
def fit(x): return f(x)
""",
    "'a': 1",
    "'a': 2",
    True,
)
edit(
    "property by assignment",
    """class C:
    def _g(self): return 1
    g = property(_g)
def fit(x): return C().g
""",
    "return 1",
    "return 2",
    True,
)
edit(
    "descriptor",
    """class D:
    def __get__(self, o, t): return 1
class C:
    d = D()
def fit(x): return C().d
""",
    "return 1",
    "return 2",
    True,
)
edit(
    "annotation that dispatches",
    """from functools import singledispatchmethod
class C:
    @singledispatchmethod
    def f(self, x): return 0
    @f.register
    def _(self, x: int): return 1
def fit(x): return C().f(x)
""",
    "x: int",
    "x: str",
    True,
)
edit(
    "subclasses",
    """class B: pass
class P(B):
    k = 1
def fit(x): return [c.k for c in B.__subclasses__()]
""",
    "k = 1",
    "k = 2",
    True,
)
edit(
    "instance with a lock",
    """import threading
class C:
    def __init__(self, k):
        self.k = k
        self.lock = threading.Lock()
c = C(1)
def fit(x): return c.k
""",
    "C(1)",
    "C(2)",
    True,
)
edit(
    "default of a lambda in a loop",
    """def make():
    return [lambda x, i=i: x + i + 1 for i in range(3)]
F = make()
def fit(x): return F[2](x)
""",
    "+ 1 for",
    "+ 2 for",
    True,
)
edit(
    "instance that holds itself",
    """class N:
    def __init__(self):
        self.me = self
        self.k = 1
n = N()
def fit(x): return n.k
""",
    "self.k = 1",
    "self.k = 2",
    True,
)
edit(
    "list that holds itself",
    """L = [1]
L.append(L)
def f(): return 0
L.append(f)
def fit(x): return L
""",
    "L = [1]",
    "L = [2]",
    True,
)
edit(
    "constant of a tuple assignment",
    """A, B = 1, 2
def fit(x): return B
""",
    "1, 2",
    "1, 3",
    True,
)
edit(
    "other constant of a tuple assignment",
    """A, B = 1, 2
def fit(x): return B
""",
    "1, 2",
    "0, 2",
    False,
)
edit(
    "unused import",
    """import os
def fit(x): return x
""",
    "import os",
    "import os, json",
    False,
)

# -- values of the standard library that cannot be pickled, or are open --------------------------------------

for _name, _made, _old, _new in (
    ("text in memory", "import io\nV = io.StringIO('a,b')", "a,b", "a,c"),
    ("bytes in memory", "import io\nV = io.BytesIO(b'a,b')", "a,b", "a,c"),
    ("text over bytes in memory", "import io\nV = io.TextIOWrapper(io.BytesIO(b'a,b'))", "a,b", "a,c"),
    ("filled queue", "import queue\nV = queue.Queue()\nV.put(1)", "put(1)", "put(2)"),
    ("filled simple queue", "import queue\nV = queue.SimpleQueue()\nV.put(1)", "put(1)", "put(2)"),
    ("context variable", "import contextvars\nV = contextvars.ContextVar('v', default=1)", "=1)", "=2)"),
    (
        "context variable set later",
        "import contextvars\nV = contextvars.ContextVar('v')\nV.set(1)",
        "set(1)",
        "set(2)",
    ),
    ("thread-local attributes", "import threading\nV = threading.local()\nV.k = 1", "k = 1", "k = 2"),
    (
        "weak reference",
        "import weakref\nclass C: pass\nc = C()\nc.k = 1\nV = weakref.ref(c)",
        "k = 1",
        "k = 2",
    ),
    ("semaphore", "import threading\nV = threading.Semaphore(1)", "(1)", "(2)"),
    ("name of a logger", "import logging\nV = logging.getLogger('a')", "'a'", "'b'"),
    (
        "level of a logger",
        "import logging\nV = logging.getLogger('a')\nV.setLevel(10)",
        "(10)",
        "(20)",
    ),
    ("thread", "import threading\ndef run(): return 1\nV = threading.Thread(target=run)", "return 1", "return 2"),
):
    edit(_name, f"{_made}\ndef fit(x): return V\n", _old, _new, True)
    if "Simple" not in _made:
        _lines = "\n    ".join(_made.splitlines())
        edit(
            f"{_name} in a closure",
            f"def make():\n    {_lines}\n    def fit(x): return V{', c' * ('c.k' in _made)}\n"
            "    return fit\nfit = make()\n",
            _old,
            _new,
            "setLevel" not in _made and "Thread" not in _made,
        )
edit(
    "lock in a closure, file edited elsewhere",
    """import threading
def make():
    lock = threading.RLock()
    def fit(x):
        with lock: return x
    return fit
fit = make()
def other(): return 1
""",
    "return 1",
    "return 2",
    False,
)

# -- what modules do when they are imported ------------------------------------------------------------------

EFFECTS = """
# file: pkg/nodes.py
import json
import pkg.hm
def fit(x): return json.dumps(x)
# file: pkg/hm.py
from . import deeper
A = 1
def mine(x): return "mine"
# file: pkg/deeper.py
B = 1
"""
for _name, _old, _new, _changes in (
    ("option set by an imported module", "A = 1", "import pandas as pd\npd.set_option('display.precision', 6)", True),
    ("library patched by an imported module", "A = 1", "import json\njson.mark = lambda text: 1", True),
    ("effect two imports away", "B = 1", "import json\njson.mark = lambda text: 1", True),
    ("constant of a module that is only imported", "A = 1", "A = 2", False),
    ("import without effects", "A = 1", "import math", False),
    ("import without effects in the node's module", "import pkg.hm\n", "import pkg.hm, pkg.deeper\n", False),
    ("helper of a module that is only imported", '"mine"', '"yours"', False),
):
    edit(_name, EFFECTS, _old, _new, _changes)
for _name, _patch in (("assignment", "json.mark = mine"), ("setattr()", "setattr(json, 'mark', mine)")):
    edit(
        f"function put into a library by {_name}",
        EFFECTS.replace("B = 1", f'import json\ndef mine(x): return "ours"\n{_patch}'),
        '"ours"',
        '"yours"',
        True,
    )
edit("effect of the package", EFFECTS + "# file: pkg/__init__.py\nimport json\njson.k = 1\n", "k = 1", "k = 2", True)
edit(
    "effect of a module imported by another use",
    EFFECTS.replace("json.dumps(x)", "pkg.hm.mine(x)").replace("B = 1", "import json\njson.k = 1"),
    "k = 1",
    "k = 2",
    True,
)
edit(
    "effect of a module imported inside of the function",
    """
# file: pkg/nodes.py
def fit(x):
    from pkg.hm import A
    return A
# file: pkg/hm.py
import json
json.k = 1
A = 1
""",
    "k = 1",
    "k = 2",
    True,
)

# -- modules and classes that answer for names they do not have ----------------------------------------------

ANSWERS = """
# file: pkg/nodes.py
from pkg import odd
def fit(x): return odd.f(x)
# file: pkg/odd.py
def __getattr__(name): return 1
def f(x): return x + 1
"""
edit("module that answers to all names", ANSWERS, "x + 1", "x + 2", True)
edit("module that answers to all names, comment", ANSWERS, "return x + 1", "return x + 1  # so", False)
edit(
    "generated method of a dataclass",
    """from dataclasses import dataclass
@dataclass
class P:
    a: int = 1
def fit(x): return P()
""",
    "= 1",
    "= 2",
    True,
)
edit(
    "generated method wrapped by a function of the project",
    """import functools
from dataclasses import dataclass
def loud(f):
    @functools.wraps(f)
    def inner(self): return f(self) + '1'
    return inner
@dataclass
class P:
    a: int = 1
P.__repr__ = loud(P.__repr__)
def fit(x): return repr(P())
""",
    "+ '1'",
    "+ '2'",
    True,
)
edit(
    "library object changed under its own name",
    """from os import environ
environ["PKG_NODES"] = "1"
def fit(x): return x
""",
    '"1"',
    '"2"',
    True,
)

_TITLE = re.compile(r"^=== (must|must not)(?: since 3\.(\d+))?: (.+?)(?: \[(.+)\])?$", re.MULTILINE)
_MARK = re.compile(r"<<(.*?)\|=>\|(.*?)>>", re.DOTALL)


def _written(text: str) -> None:
    """The edits that are marked in a text."""
    ends = [*(title.start() for title in _TITLE.finditer(text)), len(text)]
    for title, end in zip(_TITLE.finditer(text), ends[1:], strict=True):
        must, since, name, root = title.groups()
        body = re.sub(r"^--- .*\n", "", text[title.end() + 1 : end], flags=re.MULTILINE).rstrip("\n") + "\n"
        assert len(_MARK.findall(body)) == 1, name
        before, after = (_MARK.sub(lambda found, at=at: found.group(at), body) for at in (1, 2))
        if since is None or sys.version_info >= (3, int(since)):
            EDITS.append(Edit(name, before, after, must == "must", root or "pkg.nodes:fit"))


_written(Path(__file__).with_suffix(".txt").read_text())
