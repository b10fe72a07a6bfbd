"""Which optional parts of the OpenAI protocol a model at an endpoint understands, learned from its answers and kept.

Knows the options and how a refusal of one reads. Does not know how a request is sent.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hybrid.runtimes.base import ChatRequest, Chunk

log = logging.getLogger(__name__)

_UNKNOWN = ("unsupported", "not support", "unrecogni", "unknown", "unexpected", "extra", "not permitted", "not allowed")
OPTIONAL = ("stream_options", "response_format", "top_logprobs", "logprobs", "seed", "stop", "temperature")


@dataclass(slots=True)
class Dialect:
    """What is known of one model. The first request asks for everything: it is the probe.

    `refused` are the options that the server will not take. The rest is None until an answer showed it.
    """

    refused: list[str] = field(default_factory=list)
    limit: str = "max_tokens"
    logprobs: bool | None = None
    usage: bool | None = None
    reasoning: bool | None = None

    def options(self, request: ChatRequest) -> dict[str, Any]:
        """The request's body, in this dialect."""
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "stream": True,
            self.limit: request.max_tokens,
            "stream_options": {"include_usage": True},
        }
        if self.logprobs is not False and "logprobs" not in self.refused:
            body["logprobs"] = True
            body["top_logprobs"] = 1  # llama.cpp sends the twenty likeliest of each place where it is told no number
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.seed is not None:
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = list(request.stop)
        if request.schema is not None:
            held = {"name": "reply", "strict": True, "schema": dict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": held}
        return {name: value for name, value in body.items() if name not in self.refused}

    def learn_refusal(self, said: str, sent: dict[str, Any]) -> bool:
        """Take note of a refused request; whether it is worth sending again in the changed dialect."""
        lower = said.lower()
        if "max_completion_tokens" in lower and self.limit == "max_tokens":
            self.limit = "max_completion_tokens"
            return True
        if not any(word in lower for word in _UNKNOWN):
            return False
        named = []
        for name in OPTIONAL:
            if name in lower and name in sent:
                named.append(name)
            lower = lower.replace(name, "")  # top_logprobs is not logprobs
        self.refused += named
        return bool(named)

    def learn(self, written: list[Chunk]) -> bool:
        """Take note of a whole answer; whether anything new came out."""
        before = (self.logprobs, self.usage, self.reasoning)
        if any(chunk.text for chunk in written):
            self.logprobs = any(chunk.logprobs for chunk in written) and "logprobs" not in self.refused
        self.usage = any(chunk.usage is not None for chunk in written)
        self.reasoning = bool(self.reasoning) or any(chunk.reasoning for chunk in written)
        return before != (self.logprobs, self.usage, self.reasoning)


class Dialects:
    """The dialects of one endpoint's models, kept in a JSON file of all endpoints (None: only in memory)."""

    def __init__(self, base_url: str, path: Path | None = None) -> None:
        self._base_url = base_url
        self._path = path
        self._known: dict[str, Dialect] = {}
        for model, record in self._read().get(base_url, {}).items():
            try:
                self._known[model] = Dialect(**record)
            except TypeError:
                log.info("What was known of %s at %s is unreadable and is learned anew", model, base_url)

    def of(self, model: str) -> Dialect:
        return self._known.setdefault(model, Dialect())

    def save(self) -> None:
        """Write what is known. Blocks; a file that cannot be written only costs learning it again."""
        if self._path is None:
            return
        every = self._read()
        every[self._base_url] = {model: asdict(dialect) for model, dialect in self._known.items()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_suffix(f".{os.getpid()}.part")
            part.write_text(json.dumps(every, indent=1), encoding="utf-8")
            part.replace(self._path)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error)

    def _read(self) -> dict[str, dict[str, Any]]:
        if self._path is None:
            return {}
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}
