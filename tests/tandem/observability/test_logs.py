"""The log's lines: one JSON object each where programs read them, quiet below the chosen level."""

import json
import logging
from collections.abc import Iterator

import pytest

from tandem.observability.logs import configure


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("tandem", "hybrid", "rag"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_program_reads_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    logging.getLogger("tandem.server").info("Şimdi\nbaşladı")
    logging.getLogger("hybrid.engine").debug("too small")
    logging.getLogger("another.package").info("not ours")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("rag.library").exception("It failed")
    first, second = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert first["message"] == "Şimdi\nbaşladı" and first["level"] == "info" and first["logger"] == "tandem.server"
    assert "ValueError: broken" in second["traceback"]


def test_people_read_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure("warning", "text")
    logging.getLogger("tandem").warning("The disk is nearly full")
    assert capsys.readouterr().err.endswith("WARNING The disk is nearly full\n")
