"""Imports run downward only: app.py -> tandem -> hybrid -> rag."""

import ast
import graphlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Drives a browser with what the tests need anyway, and says so where it is missing.
PAINTER = ROOT / "tandem" / "bench" / "render_time.py"
PICTURE = ROOT / "tandem" / "evaluate" / "picture.py"  # says what to install where its library is missing
READS_PICTURES = {
    *(ROOT / "rag" / "formats" / f for f in ("image.py", "recognised.py")),
    *(ROOT / "rag" / "ocr").glob("*.py"),
}  # if installed
RIVALS = ROOT / "tandem" / "bench" / "retrieval.py"
SERVER = ROOT / "rag" / "storage" / "server_connections.py"  # opened where its driver is installed
LEARNS_TO_READ = ROOT / "rag" / "training" / "learn_reading.py"
"""Needs torch, which whoever runs it brings: what it learned ships."""
TELEMETRY = ROOT / "tandem" / "observability" / "telemetry.py"
BUCKETS = ROOT / "tandem" / "keeping" / "buckets.py"
FRONT = {"chainlit", "fastapi", "starlette", "uvicorn", "typer"}
FORBIDDEN = {
    "rag": {"hybrid", "tandem", "app", *FRONT},
    "hybrid": {"tandem", "app", *FRONT},
    "tandem": {"app"},
    "tandem/bench": {"tandem.ui"},
    "tandem/ui": {"tandem.server", "tandem.cli", "tandem.commands", "tandem.bench"},
}


def imported(file: Path) -> Iterator[str]:
    """Every module a file imports, wherever in the file, as an absolute dotted name."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_run_downward_only(folder: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in sorted((ROOT / folder).rglob("*.py"))
        for module in imported(file)
        if any(module == name or module.startswith(f"{name}.") for name in FORBIDDEN[folder])
    ]
    assert wrong == []


def test_the_server_is_imported_without_chainlit() -> None:
    """Chainlit reads its settings as it is imported, and the server says before that where they lie."""
    loaded = "import sys, tandem.server; print('chainlit' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", loaded], check=False, capture_output=True, text=True, cwd=ROOT).stdout
        == "False\n"
    )


def room(module: str) -> str:
    """The package inside a floor that a module belongs to; a module that lies in none is a room of its own."""
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("floor", ["rag", "hybrid", "tandem"])
def test_no_room_imports_in_a_circle(floor: str) -> None:
    arrows: dict[str, set[str]] = {}
    for file in (ROOT / floor).rglob("*.py"):
        here = room(".".join(file.relative_to(ROOT).with_suffix("").parts))
        there = {room(module) for module in imported(file) if module.startswith(f"{floor}.")}
        arrows.setdefault(here, set()).update(there - {here, floor})
    graph = {here: {there for there in rooms if there in arrows} for here, rooms in arrows.items()}
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for floor in ("rag", "hybrid", "tandem")
        for file in (ROOT / floor).rglob("*.py")
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_only_settings_reads_the_environment() -> None:
    readers = []
    for file in [ROOT / "app.py", *(f for room in ("rag", "hybrid", "tandem") for f in (ROOT / room).rglob("*.py"))]:
        if file == ROOT / "tandem" / "settings.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(attr="getenv") | ast.Name(id="getenv"):
                    readers.append(f"{file.relative_to(ROOT)}:{node.lineno}")
                case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get")):
                    readers.append(f"{file.relative_to(ROOT)}:{node.lineno}")
                case ast.Subscript(value=ast.Attribute(attr="environ"), ctx=ast.Load()):
                    readers.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert readers == []


def test_help_loads_no_heavy_library() -> None:
    program = (
        "import sys, tandem.cli; "
        "print([m for m in ('chainlit', 'fastapi', 'openai', 'numpy', 'tantivy', 'pydantic') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_library_that_is_imported_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    come_along = {"uvloop", "pydantic-core"}  # with uvicorn[standard] and pydantic
    core = come_along | {_name(line) for line in project["dependencies"]}
    optional = project["optional-dependencies"]
    extra = core | {_name(line) for line in (*optional["test"], *optional["real"])}
    providers = importlib.metadata.packages_distributions()
    own = {"app", "rag", "hybrid", "tandem", "tests"}
    missing = set()
    for file in [ROOT / "app.py", *(f for room in sorted(own - {"app"}) for f in (ROOT / room).rglob("*.py"))]:
        allowed = (
            extra
            if file.is_relative_to(ROOT / "tests")
            or file in (PAINTER, PICTURE, RIVALS, SERVER, TELEMETRY, BUCKETS, *READS_PICTURES)
            else core
        )
        allowed = allowed | {"torch"} if file == LEARNS_TO_READ else allowed
        for module in imported(file):
            top = module.partition(".")[0]
            if top and top not in sys.stdlib_module_names and top not in own:
                names = {_name(name) for name in providers.get(top, [top])}
                if not names & allowed:
                    missing.add(f"{file.relative_to(ROOT)} imports {top}, which {' or '.join(sorted(names))} provides")
    assert missing == set()


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_packages_inside_hybrid_have_no_cycles() -> None:
    floor = ROOT / "hybrid"
    rooms = {path.parent.name for path in floor.glob("*/__init__.py")}
    below: dict[str, set[str]] = {}
    for file in sorted(floor.rglob("*.py")):
        here = file.relative_to(floor).parts[0].removesuffix(".py")
        parts = [module.split(".") for module in imported(file) if module.startswith("hybrid.")]
        below.setdefault(here, set()).update(part[1] for part in parts if part[1] != here)
    done: list[str] = []
    while ready := [name for name in below if name not in done and below[name] & below.keys() <= set(done)]:
        done.extend(ready)
    assert sorted(below.keys() - set(done)) == []
    assert done.index("answering") > max(done.index(room) for room in rooms - {"answering"})
