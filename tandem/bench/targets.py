"""Names of models -> what is measured: a model on one device, and the source that its answers come from.

Knows how names are resolved and how an endpoint is read for measuring. Does not know what is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybrid.errors import ModelError
from hybrid.models.catalogue import Catalog
from hybrid.models.registry import USABLE, ModelRegistry
from hybrid.runtimes.base import ModelInfo, ModelState, Runtime
from hybrid.settings import ModelSettings
from tandem.bench.client import Wire
from tandem.bench.measure import Source
from tandem.bench.schema import Model


@dataclass(slots=True)
class Target:
    """One model to measure. `runtime` loads it, `source` answers; `wire` is set where that is an endpoint."""

    model: Model
    runtime: Runtime
    source: Source
    wire: Wire | None = None
    base_url: str = ""
    loads: bool = False

    async def close(self) -> None:
        if self.wire is not None:
            await self.wire.close()


def resolve(
    registry: ModelRegistry,
    catalog: Catalog,
    settings: ModelSettings,
    keys: Mapping[str, str],
    names: Sequence[str],
    *,
    streamed: bool,
) -> list[Target | Model]:
    """What the names stand for, in their order: a target for each runtime and device that can answer, or the failed
    Model that says why there is none. `catalog` is what models.yaml says about them.
    """
    found: list[Target | Model] = []
    known = [listed.info for listed in catalog.merge(registry.states()) if listed.info.state in USABLE]
    for name in names:
        variants = [info for info in known if _stands_for(name, info)]
        if not variants:
            try:
                runtime, identity = registry.resolve(name)
                variants = [info for info in known if info.id == identity and info.runtime == runtime.name]
            except ModelError as error:
                found.append(Model(name=name, status="failed", reason=str(error)))
                continue
        runtimes = {runtime.name: runtime for runtime in registry.runtimes}
        labels = _labels(name, variants)
        for label, info in zip(labels, variants, strict=True):
            found.append(_target(label, info, runtimes[info.runtime], settings, keys, streamed))
    return found


def _stands_for(name: str, info: ModelInfo) -> bool:
    return name.casefold() in (info.id.casefold(), info.alias.casefold())


def _labels(name: str, variants: Sequence[ModelInfo]) -> list[str]:
    """The name alone where it is unique, else with the device, else with the runtime, else with the id."""
    if len(variants) == 1:
        return [name]
    for detail in ("device", "runtime", "id"):
        details = [getattr(info, detail) for info in variants]
        if all(details) and len(set(details)) == len(details):
            return [f"{name} ({one})" for one in details]
    return [f"{name} ({info.runtime}, {info.id})" for info in variants]


def _target(
    label: str, info: ModelInfo, runtime: Runtime, settings: ModelSettings, keys: Mapping[str, str], streamed: bool
) -> Target:
    model = Model(
        name=label,
        id=info.id,
        alias=info.alias,
        runtime=info.runtime,
        device=info.device.lower(),
        execution_provider=info.execution_provider,
        licence=info.licence,
        size_mb=info.size_mb,
        context_length=info.context_length,
    )
    endpoint = next((one for one in settings.endpoints if one.name == info.runtime), None)
    if endpoint is None:
        return Target(model, runtime, runtime, loads=info.state is ModelState.CACHED)
    connect = settings.timeouts.connect
    wire = Wire(endpoint, api_key=keys.get(endpoint.api_key_env, ""), streamed=streamed, connect_s=connect)
    return Target(model, runtime, wire, wire, endpoint.base_url)
