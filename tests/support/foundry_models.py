"""Makes tiny real ONNX Runtime GenAI models that recite a given text, for the real Foundry Local runtime.

The "weights" are a table: each token's successor. Every token of the prompt leads to the script's first piece, every
piece to the next, and the last one to the end. A few KB on disk, thousands of tokens a second; `work` makes each token
cost that many small matrix products, in the prompt as in the answer, so that both can be caught in the act.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_END = 2
_HEADS, _HEAD_SIZE = 1, 8
_WORK_ROWS, _WORK_SIZE = 16, 512
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_model(directory: Path, text: str, *, context_length: int = 8192, work: int = 0) -> list[str]:
    """Write a model that recites `text` into `directory`; returns its pieces, one token each."""
    directory.mkdir(parents=True, exist_ok=True)
    pieces = unique_pieces(text)
    alphabet = _byte_alphabet()
    vocabulary = {token: number for number, token in enumerate((*_SPECIAL, *alphabet))}
    numbers = []
    for piece in pieces:
        token = "".join(alphabet[byte] for byte in piece.encode())
        numbers.append(vocabulary.setdefault(token, len(vocabulary)))
    following = np.full(len(vocabulary), numbers[0], np.int64)
    following[numbers] = [*numbers[1:], _END]
    following[_END] = _END
    onnx.save(_network(following, work), directory / "model.onnx")
    _write(directory / "genai_config.json", _config(len(vocabulary), context_length))
    _write(directory / "tokenizer.json", _tokenizer(vocabulary))
    settings = {
        "bos_token": _SPECIAL[0],
        "eos_token": _SPECIAL[_END],
        "pad_token": _SPECIAL[0],
        "model_max_length": context_length,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": _TEMPLATE,
    }
    _write(directory / "tokenizer_config.json", settings)
    return pieces


def unique_pieces(text: str) -> list[str]:
    """The text in words, where a word that was used before is joined to the next: a successor table has no memory."""
    pieces: list[str] = []
    seen: set[str] = set()
    open_piece = ""
    for word in re.findall(r"\s*\S+|\s+$", text):
        open_piece += word
        if open_piece not in seen and len(open_piece.encode()) > 1:
            seen.add(open_piece)
            pieces.append(open_piece)
            open_piece = ""
    if open_piece:
        last = pieces.pop() if pieces else ""
        pieces.append(last + open_piece)
    return pieces


def _byte_alphabet() -> list[str]:
    """The printable stand-in for each byte, as byte-level BPE tokenizers write them."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    stands = {byte: chr(byte) for byte in shown} | {byte: chr(256 + n) for n, byte in enumerate(hidden)}
    return [stands[byte] for byte in range(256)]


def _network(following: np.ndarray, work: int) -> onnx.ModelProto:
    size = len(following)
    constants = {
        "following": following,
        "size": np.array(size, np.int64),
        "off_on": np.array([0, 40], np.float32),
        "zero_at": np.array([0], np.int64),
        "one_at": np.array([1], np.int64),
        "two_at": np.array([2], np.int64),
        "heads": np.array([_HEADS], np.int64),
        "head_size": np.array([_HEAD_SIZE], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["following", "input_ids"], ["next"], axis=0),
        helper.make_node("OneHot", ["next", "size", "off_on"], ["scores"], axis=-1),
        helper.make_node("Shape", ["input_ids"], ["shape"]),
        helper.make_node("Slice", ["shape", "zero_at", "one_at"], ["batch"]),
        helper.make_node("Slice", ["shape", "one_at", "two_at"], ["length"]),
        helper.make_node("Concat", ["batch", "heads", "length", "head_size"], ["cache_shape"], axis=0),
        helper.make_node("ConstantOfShape", ["cache_shape"], ["nothing"]),
        helper.make_node("Concat", ["past_key_values.0.key", "nothing"], ["present.0.key"], axis=2),
        helper.make_node("Concat", ["past_key_values.0.value", "nothing"], ["present.0.value"], axis=2),
    ]
    if work:
        nodes += _labour(work, constants)
    else:
        nodes.append(helper.make_node("Identity", ["scores"], ["logits"]))
    floats, ints = TensorProto.FLOAT, TensorProto.INT64
    value = helper.make_tensor_value_info
    cache = ("batch_size", _HEADS, "past_sequence_length", _HEAD_SIZE)
    grown = ("batch_size", _HEADS, "total_sequence_length", _HEAD_SIZE)
    graph = helper.make_graph(
        nodes,
        "recitation",
        [
            value("input_ids", ints, ["batch_size", "sequence_length"]),
            value("attention_mask", ints, ["batch_size", "total_sequence_length"]),
            value("past_key_values.0.key", floats, cache),
            value("past_key_values.0.value", floats, cache),
        ],
        [
            value("logits", floats, ["batch_size", "sequence_length", size]),
            value("present.0.key", floats, grown),
            value("present.0.value", floats, grown),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _labour(work: int, constants: dict[str, np.ndarray]) -> list[onnx.NodeProto]:
    """Matrix products whose result counts for nothing, in proportion to the tokens that pass."""
    constants["rows"] = np.array([_WORK_ROWS], np.int64)
    constants["columns"] = np.array([_WORK_SIZE], np.int64)
    constants["square"] = np.array([_WORK_SIZE, _WORK_SIZE], np.int64)
    constants["nought"] = np.array(0.0, np.float32)
    filling = helper.make_tensor("filling", TensorProto.FLOAT, [1], [1.0 / _WORK_SIZE])
    nodes = [
        helper.make_node("Mul", ["length", "rows"], ["height"]),
        helper.make_node("Concat", ["height", "columns"], ["area"], axis=0),
        helper.make_node("ConstantOfShape", ["area"], ["blank"], value=filling),
        helper.make_node("ConstantOfShape", ["square"], ["weights"], value=filling),
        helper.make_node("Cast", ["input_ids"], ["floating"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMin", ["floating"], ["least"], keepdims=0),
        helper.make_node("Mul", ["least", "nought"], ["seed"]),
        helper.make_node("Add", ["blank", "seed"], ["product0"]),
    ]
    for step in range(work):
        nodes.append(helper.make_node("MatMul", [f"product{step}", "weights"], [f"product{step + 1}"]))
    return [
        *nodes,
        helper.make_node("ReduceMean", [f"product{work}"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["weightless"]),
        helper.make_node("Add", ["scores", "weightless"], ["logits"]),
    ]


def _config(vocabulary_size: int, context_length: int) -> dict[str, object]:
    decoder = {
        "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
        "filename": "model.onnx",
        "head_size": _HEAD_SIZE,
        "hidden_size": _HEAD_SIZE,
        "num_attention_heads": _HEADS,
        "num_hidden_layers": 1,
        "num_key_value_heads": _HEADS,
        "inputs": {
            "input_ids": "input_ids",
            "attention_mask": "attention_mask",
            "past_key_names": "past_key_values.%d.key",
            "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {
            "logits": "logits",
            "present_key_names": "present.%d.key",
            "present_value_names": "present.%d.value",
        },
    }
    model = {
        "type": "llama",
        "bos_token_id": 0,
        "eos_token_id": _END,
        "pad_token_id": 0,
        "vocab_size": vocabulary_size,
        "context_length": context_length,
        "decoder": decoder,
    }
    search = {
        "do_sample": False,
        "max_length": context_length,
        "min_length": 0,
        "num_beams": 1,
        "num_return_sequences": 1,
        "past_present_share_buffer": False,
        "temperature": 1.0,
        "top_k": 1,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
    }
    return {"model": model, "search": search}


def _tokenizer(vocabulary: dict[str, int]) -> dict[str, object]:
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    added = [
        {
            "id": number,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for number, token in enumerate(_SPECIAL)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": vocabulary,
            "merges": [],
        },
    }


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
