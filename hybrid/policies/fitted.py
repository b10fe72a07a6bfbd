"""A policy fitted on answers that people or the large model judged.

Knows its weights, and weighs what an escalation is likely to gain against the time and the money it takes. Does not
know how the weights were fitted (`hybrid.policies.logistic`) nor how signals are measured.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hybrid.errors import PolicyError
from hybrid.events import Decision, Reason
from hybrid.policies.logistic import Head
from hybrid.policies.signals import LOGPROB_NAMES, Signals

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).with_name("weights.json")
FORMAT = 1
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Heads:
    """Two heads for P(the draft is bad): `plain`, and `logprobs` for models that say how sure they are of each token.

    `mends` is the share of bad drafts that the large model turns into good answers, `spoils` of good ones into bad.
    `calibrated` is False until the weights were fitted on this installation's own answers; `source` says where they
    come from, in words; `version` names them in traces.
    """

    plain: Head
    logprobs: Head | None
    mends: float
    spoils: float
    calibrated: bool
    source: str
    version: str

    def save(self, path: Path) -> None:
        """Write them as JSON. Raises PolicyError."""
        record = {
            "format": FORMAT,
            "version": self.version,
            "calibrated": self.calibrated,
            "source": self.source,
            "mends": round(self.mends, 4),
            "spoils": round(self.spoils, 4),
            "heads": {
                "plain": self.plain.as_dict(),
                "logprobs": self.logprobs.as_dict() if self.logprobs is not None else None,
            },
        }
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise PolicyError(f"The weights could not be written to {path} ({error.strerror}).") from error

    @classmethod
    def load(cls, path: Path) -> Heads:
        """Raises PolicyError where the file cannot be read or is no file of weights."""
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if record["format"] != FORMAT:
                raise ValueError(f"format {record['format']} is not known")
            surer = record["heads"]["logprobs"]
            return cls(
                plain=Head.from_dict(record["heads"]["plain"]),
                logprobs=Head.from_dict(surer) if surer is not None else None,
                mends=_share(record["mends"]),
                spoils=_share(record["spoils"]),
                calibrated=bool(record["calibrated"]),
                source=str(record["source"]),
                version=str(record["version"]),
            )
        except OSError as error:
            raise PolicyError(f"The weights at {path} cannot be read ({error.strerror}).") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PolicyError(
                f"{path} is no file of weights ({error}); remove it, or fit anew with `tandem evaluate fit`."
            ) from error


def _share(value: Any) -> float:
    share = float(value)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{share} is no share")
    return share


class Fitted:
    """The weights fitted on this installation's answers, read again whenever their file changes."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: float | None = None
        self._weights: Heads | None = None

    def weights(self) -> Heads | None:
        """None where there is no file, or none that can be read (the log says why)."""
        try:
            stamp = self._path.stat().st_mtime if self._path is not None else None
        except OSError:
            stamp = None
        if self._path is not None and stamp != self._stamp:
            self._stamp, self._weights = stamp, None
            if stamp is not None:
                try:
                    self._weights = Heads.load(self._path)
                except PolicyError as error:
                    log.warning("%s The shipped weights decide instead.", error)
        return self._weights


@cache
def shipped() -> Heads:
    """The weights that come with Tandem: set by hand, uncalibrated."""
    return Heads.load(SHIPPED)


@dataclass(frozen=True, slots=True)
class Stake:
    """What an escalation takes and what it is worth.

    `seconds` and `cost` are what asking the large model is expected to take; `second_worth` is what a second of waiting
    costs the reader and `answer_worth` what a right answer in place of a wrong one is worth. All money in one currency.
    """

    seconds: float
    cost: float
    second_worth: float
    answer_worth: float

    @property
    def price(self) -> float:
        """What an escalation costs altogether, in right answers."""
        return (self.seconds * self.second_worth + self.cost) / self.answer_worth


class Logistic:
    """Escalates where the expected gain outweighs the price.

    The gain is P(bad) x mends - P(good) x spoils, in right answers; the price is `Stake.price`.
    """

    name = "logistic"

    def __init__(self, weights: Heads, stake: Stake) -> None:
        self.weights = weights
        self.stake = stake
        self.version = weights.version

    def decide(self, signals: Signals) -> Decision:
        values = signals.as_dict()
        served = self.weights.logprobs is not None and all(name in values for name in LOGPROB_NAMES)
        head = self.weights.logprobs if served and self.weights.logprobs is not None else self.weights.plain
        bad = head.probability(values)
        gain = self.gain(bad)
        escalate = gain > self.stake.price
        reasons = (self._weighed(escalate, bad, gain), *self._named(head, values, escalate))
        return Decision(escalate, bad, reasons, self.name, self.version)

    def gain(self, bad: float) -> float:
        """Expected gain in right answers of escalating a draft that is bad with this probability."""
        return bad * self.weights.mends - (1.0 - bad) * self.weights.spoils

    def _weighed(self, escalate: bool, bad: float, gain: float) -> Reason:
        doing = "pays" if escalate else "does not pay"
        worth = "" if self.weights.calibrated else " (estimate not yet calibrated on your answers)"
        text = (
            f"The draft is wrong with {bad:.0%}{worth}; asking the large model would gain {gain:.2f} right answers "
            f"at a price of {self.stake.price:.2f}: it {doing}."
        )
        code = "gain_pays" if escalate else "gain_too_small"
        values: dict[str, float | str] = {"probability": bad, "gain": gain, "price": self.stake.price}
        return Reason(code, text, values)

    def _named(self, head: Head, values: Mapping[str, float], escalate: bool) -> tuple[Reason, ...]:
        """The signals that speak loudest for the decision."""
        sign = 1.0 if escalate else -1.0
        parts = sorted(head.contributions(values).items(), key=lambda part: -sign * part[1])
        loudest = [name for name, part in parts[:_NAMED] if sign * part > 0.1]
        if not loudest:
            return ()
        named = ", ".join(name.replace("_", " ") for name in loudest)
        return (Reason("signals", f"What weighs most: {named}.", {"signals": named}),)
