"""The calls that Tandem makes to the Foundry Local SDK for a process as a whole: its manager, its lists, its errors.

Knows that there is one manager per process and that every call blocks. Does not know requests, queues or events.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hybrid.errors import ModelError
from hybrid.runtimes.base import ModelInfo, ModelState

log = logging.getLogger(__name__)

NAME = "foundry"
_APP = "tandem"
TOO_LONG, _NO_SUCH_MODEL, _BUSY = 3, 2, 4

_lock = threading.Lock()
_users = 0


def acquire(data_dir: Path | None, catalog_urls: Sequence[str]) -> Any:
    """The process's one manager, made by the first user; its directory and catalog are then everybody's."""
    # The telemetry switch alone leaves a lookup of the upload host; with this variable the runtime keeps silent.
    os.environ.setdefault("CI", "true")
    from foundry_local_sdk import Configuration, FoundryLocalManager, LogLevel

    global _users
    with _lock:
        if FoundryLocalManager.instance is None:
            FoundryLocalManager.initialize(
                Configuration(
                    app_name=_APP,
                    app_data_dir=str(data_dir) if data_dir is not None else None,
                    log_level=LogLevel.FATAL,  # failures are raised, and told in Tandem's words
                    catalog_urls=[(url, None) for url in catalog_urls] or None,
                    disable_nonessential_telemetry=True,
                )
            )
        _users += 1
        return FoundryLocalManager.instance


def release() -> None:
    from foundry_local_sdk import FoundryLocalManager

    global _users
    with _lock:
        _users -= 1
        if _users == 0 and FoundryLocalManager.instance is not None:
            FoundryLocalManager.instance.close()


def listing(manager: Any) -> list[tuple[Any, ModelInfo]]:
    from foundry_local_sdk import CatalogType

    found: dict[str, tuple[Any, ModelInfo]] = {}
    for kind in (CatalogType.LOCAL, CatalogType.PUBLIC):
        for model in manager.get_catalog(kind).list_models():
            found.setdefault(model.id, (model, _info(model, local=kind is CatalogType.LOCAL)))
    return list(found.values())


def _info(model: Any, *, local: bool) -> ModelInfo:
    if model.is_loaded:
        state = ModelState.READY
    elif local or model.is_cached:
        state = ModelState.CACHED
    else:
        state = ModelState.DOWNLOADABLE
    info = model.info
    runtime = info.runtime
    return ModelInfo(
        id=model.id,
        alias=model.alias or model.id,
        runtime=NAME,
        state=state,
        size_mb=info.file_size_mb or None,
        context_length=info.context_length or None,
        licence=info.license or "",
        device=str(runtime.device_type or "") if runtime is not None else "",
        execution_provider=str(runtime.execution_provider or "") if runtime is not None else "",
    )


def register(manager: Any, path: Path, model: str) -> None:
    """Put a directory into the local catalog. Raises ModelError when the name is taken by another directory."""
    from foundry_local_sdk import CatalogType, ModelInfoBuilder

    catalog = manager.get_catalog(CatalogType.LOCAL)
    known = catalog.get_model_variant(model)
    if known is not None:
        if Path(known.get_path()) == path:
            return
        raise ModelError(f"the name {model} is taken by {known.get_path()}; choose another alias.", kind="refused")
    with ModelInfoBuilder() as metadata:
        metadata.set_string_property("task", "chat-completion")
        catalog.register_model(str(path), model, metadata)


def unregister(manager: Any, model: str) -> None:
    """Forget a registered model; its files stay."""
    from foundry_local_sdk import CatalogType

    manager.get_catalog(CatalogType.LOCAL).unregister_model(model)


def remove(manager: Any, model: Any) -> None:
    """Forget a registered model, or delete a downloaded one from the disk."""
    from foundry_local_sdk import CatalogType

    if manager.get_catalog(CatalogType.LOCAL).get_model_variant(model.id) is not None:
        unregister(manager, model.id)
    else:
        model.remove_from_cache()


async def threaded(work: Callable[[], Any]) -> Any:
    """Run in a daemon thread of its own: a call that hangs must neither fill a pool nor keep the process alive."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if not done.done():
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            log.debug("The event loop was closed before a call of the runtime ended")

    threading.Thread(target=run, name="foundry-sdk", daemon=True).start()
    return await done


def explained(error: Exception) -> ModelError:
    """The SDK's error as a sentence."""
    if isinstance(error, ModelError):
        return error
    code = getattr(error, "error_code", 0)
    said = " ".join(str(error).split())[:200]
    if isinstance(error, ImportError):
        return ModelError(
            "the Foundry Local runtime cannot be loaded on this system; install foundry-local-sdk, or set "
            f"models.foundry to false ({said}).",
            kind="unavailable",
        )
    if isinstance(error, OSError) and error.errno is None:  # what a library says that another is not there
        return ModelError(
            f"the Foundry Local runtime cannot be loaded on this system ({said}); install what it lacks, or set "
            "models.foundry to false.",
            kind="unavailable",
        )
    if code == TOO_LONG:
        return ModelError(
            "the question and its passages are too long for the model; ask for fewer passages or a shorter answer.",
            kind="too_long",
        )
    if code == _NO_SUCH_MODEL:
        return ModelError(f"the model's files are not on this machine; download it first ({said}).", kind="not_found")
    if code == _BUSY:
        return ModelError(f"the model is in use ({said}).", kind="busy", retriable=True)
    if isinstance(error, MemoryError) or "alloc" in said.lower() or "memory" in said.lower():
        return ModelError(
            "there is not enough memory for the model; unload another or choose a smaller one.", kind="memory"
        )
    return ModelError(f"Foundry Local failed: {said.rstrip('.')}.", kind="unavailable")
