"""Nothing that is loaded can run code: a look at every call in the source that could."""

import ast

import pytest

from tests.app.serving import ROOT

FILES = sorted(path for folder in ("comus_core", "app", "pages") for path in (ROOT / folder).rglob("*.py"))
# call -> the argument that it needs
LOADERS = {"torch.load": ("weights_only", True)} | dict.fromkeys(("np.load", "numpy.load"), ("allow_pickle", False))
FORBIDDEN = {"pickle.load", "pickle.loads", "pickle.Unpickler", "torch.jit.load", "joblib.load", "marshal.loads"}
FORBIDDEN |= {"eval", "exec", "os.system", "yaml.load", "yaml.unsafe_load", "pd.read_pickle", "torch.hub.load"}
WORDS = {f"{name}(" for name in (*LOADERS, *FORBIDDEN)} | {"shell="}


def calls(source: str):
    """(name, call) of every call by a dotted name."""
    if any(word in source for word in WORDS):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                yield ast.unparse(node.func), node


def faults(source: str) -> list[str]:
    """The calls in a source that could run code of a file."""
    found = []
    for name, call in calls(source):
        given = {word.arg: word.value.value for word in call.keywords if isinstance(word.value, ast.Constant)}
        argument, value = LOADERS.get(name, ("", None))
        if name in FORBIDDEN or given.get("shell") or (argument and given.get(argument) is not value):
            found.append(name)
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("torch.load(p)", ["torch.load"]),
        ("torch.load(p, weights_only=False)", ["torch.load"]),
        ("torch.load(p, weights_only=True)", []),
        ("np.load(p, mmap_mode='r')", ["np.load"]),
        ("np.load(p, allow_pickle=False)", []),
        ("pickle.load(p)", ["pickle.load"]),
        ("subprocess.run(words, shell=True)", ["subprocess.run"]),
    ],
)
def test_the_look_sees_what_it_is_for(source, expected):
    assert faults(source) == expected


def test_no_file_of_the_program_loads_what_could_run_code():
    assert len(FILES) > 400
    assert {path.relative_to(ROOT).as_posix(): found for path in FILES if (found := faults(path.read_text()))} == {}
