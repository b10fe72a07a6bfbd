"""Whether a directory holds an ONNX Runtime GenAI model, as far as its files can tell.

Knows the files that the format asks for. Does not know whether the model runs: the runtime tries that.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hybrid.errors import ModelError

_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")


def check_directory(path: Path) -> None:
    """Raises ModelError with what is missing or broken in a model's directory, and what to do."""
    if not path.is_dir():
        raise ModelError(f"{path} is no directory; give the folder that holds genai_config.json.", kind="refused")
    config = _json(path / "genai_config.json")
    model = config.get("model") if isinstance(config, dict) else None
    if not isinstance(model, dict) or not isinstance(model.get("decoder"), dict):
        raise ModelError(f"{path / 'genai_config.json'} names no decoder; export the model again.", kind="refused")
    name = model["decoder"].get("filename")
    parts = [name] if isinstance(name, str) else _pipeline_files(model["decoder"])
    if not parts:
        raise ModelError(f"{path / 'genai_config.json'} names no model file; export the model again.", kind="refused")
    for part in parts:
        if not (path / part).is_file() or (path / part).stat().st_size == 0:
            raise ModelError(f"{path / part} is missing or empty; copy the whole model again.", kind="refused")
    if not any((path / tokenizer).is_file() for tokenizer in _TOKENIZERS):
        raise ModelError(f"{path} holds no tokenizer ({', '.join(_TOKENIZERS)}); copy it there.", kind="refused")
    if (path / "tokenizer_config.json").exists():
        _json(path / "tokenizer_config.json")


def _pipeline_files(decoder: dict[str, Any]) -> list[str]:
    stages = decoder.get("pipeline")
    found = []
    for stage in stages if isinstance(stages, list) else []:
        for part in stage.values() if isinstance(stage, dict) else []:
            if isinstance(part, dict) and isinstance(part.get("filename"), str):
                found.append(part["filename"])
    return found


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"{path} is missing; the directory must be an ONNX Runtime GenAI export.", kind="refused"
        ) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{path} cannot be read ({error}); copy it again.", kind="refused") from error
