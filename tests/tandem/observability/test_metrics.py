"""What Prometheus reads: counted from real answers, over real HTTP, and nobody's words in it."""

from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from hybrid.runtimes.scripted import Script, Scripted
from tandem.settings import load
from tests.support.served import Served

WRITES = Script("Every employee has 25 days of paid holiday a year [1].")
QUESTION = {"model": "tandem", "messages": [{"role": "user", "content": "How many days of holiday are there?"}]}


def figures(text: str) -> dict[str, float]:
    return {
        sample.name + "".join(f",{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_an_answer_is_counted_and_its_words_are_not_told(home: Path) -> None:
    with Served(load(env={}), [Scripted({"phi-4-mini": WRITES})]) as served:
        before = figures(httpx.get(served.url + "/metrics").text)
        assert before["tandem_answers_running"] == 0
        answered = httpx.post(served.url + "/v1/chat/completions", json=QUESTION, timeout=60)
        assert answered.status_code == 200
        text = httpx.get(served.url + "/metrics").text
        after = figures(text)
        assert after["tandem_questions_total,false,finished"] == 1
        assert after["tandem_answer_seconds_count"] == 1
        assert after["tandem_stage_seconds_count,retrieve,"] == 1
        assert after["tandem_documents"] == len(served.context.library.documents())
        assert "holiday" not in text
