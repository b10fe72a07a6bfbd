"""What an organisation needs: the hour that is simulated agrees with paper, formulas with the page that shows them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from rag.errors import UserFacingError
from tandem.bench.sizing import Asked, measured, simulated, size
from tests.support.terminal import Tandem

PAGE = Path(__file__).parents[3] / "deploy" / "sizing.md"
ROW = re.compile(r"^\| `([a-z_]+)\.([a-z_0-9]+)` \| ([^|]+) \|", re.M)


@pytest.mark.parametrize("people", [50, 2_000, 10_000])
def test_the_simulated_hours_agree_with_paper(people: int) -> None:
    """Little's law for the mean; for the tail the Poisson distribution, which such a crowd follows whatever the lengths
    of answers."""
    asked = Asked(people=people)
    mean = people * asked.per_hour / 3600 * asked.tokens * (1 + asked.large) / asked.rate
    found = simulated(asked, hours=60)
    assert found["mean"] == pytest.approx(mean, rel=0.06)
    assert found["p99"] == pytest.approx(mean + 2.33 * math.sqrt(mean), rel=0.12, abs=1.5)
    assert found["p99"] <= found["most"] and simulated(asked) == simulated(asked)


def test_the_page_says_what_is_computed() -> None:
    computed = size(Asked(), measured())
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert len(rows) >= 18
    for part, name, said in rows:
        value = computed[part][name]
        shown = ", ".join(map(str, value.values())) if isinstance(value, dict) else str(value)
        assert said.strip() == shown, (part, name)


def test_more_of_anything_needs_no_less() -> None:
    known, asked = measured(), Asked(people=500, passages=1_000_000)
    before = size(asked, known)
    more = size(replace(asked, people=5_000, passages=50_000_000), known)
    for part in ("tandem", "embedded_index", "opensearch", "passage_store", "database", "models"):
        for name, value in before[part].items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                assert more[part][name] >= value, (part, name)
    assert more["opensearch"]["extrapolated"] and before["embedded_index"]["enough"]
    small = size(replace(asked, people=10, passages=1_000), known)
    assert (small["tandem"]["processes"], small["opensearch"]["shards"]) == (1, 1)
    assert not small["embedded_index"]["extrapolated"]


def test_figures_of_ones_own_count(tandem: Tandem, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(asdict(replace(measured(), store_bytes=1e6))), encoding="utf-8")
    ran = tandem("bench", "size", "--people", "100", "--passages", "1000000", "--figures", str(file), "--json")
    assert ran.exit_code == 0 and json.loads(ran.stdout)["passage_store"]["disk_gb"] == 1000.0
    file.write_text('{"passages": 1}', encoding="utf-8")
    with pytest.raises(UserFacingError, match="one JSON object with machine"):
        measured(file)
    assert "processes" in tandem("bench", "size").stdout
