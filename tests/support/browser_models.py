"""Tiny language models for the browser, made on the spot: each recites a known sentence, whatever it is asked.

A model is a folder as the model hub lays them out (config, tokenizer, onnx/model_q4.onnx). Its one matrix, 4-bit as
real weights are, maps each token to the one after it, so the text comes from the arithmetic and from nothing else.

    make(folder / "tiny-phi", "phi3", "Twenty-five days of holiday.")
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BLOCK = 32
HEAD = 8
SPECIAL = ["<unk>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
UNKNOWN, END, ASSISTANT = 0, 1, 4
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def make(
    folder: Path, family: str, text: str, *, positions: int = 4096, endless: bool = False, hungry: bool = False
) -> Path:
    """Write a model that says `text`, whose words are all different; an `endless` one says it again and again.

    `family` is a model type that transformers.js knows. More than `positions` tokens are an error, as in a real model.
    A `hungry` one asks for more memory than there is when it runs.
    """
    words = ["▁" + word for word in text.split(" ")]
    assert len(set(words)) == len(words), "every word may stand once: each is its own token"
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *words])}
    script = [vocabulary[word] for word in words]
    (folder / "onnx").mkdir(parents=True)
    last = script[0] if endless else END
    onnx.save(_graph(len(vocabulary), script, last, positions, hungry), folder / "onnx" / "model_q4.onnx")
    for name, content in _files(family, vocabulary, positions).items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return folder


def _graph(size: int, script: list[int], last: int, positions: int, hungry: bool) -> onnx.ModelProto:
    width = -(-size // BLOCK) * BLOCK
    after = np.full(size, script[0])
    after[script] = [*script[1:], last]
    after[END] = END
    levels = np.full((size, width), 8, np.uint8)
    levels[after, np.arange(size)] = 15
    packed = (levels[:, 0::2] | levels[:, 1::2] << 4).reshape(size, width // BLOCK, BLOCK // 2)
    constants = {
        "embedding": np.eye(size, width, dtype=np.float32),
        "next_token": packed,
        "scales": np.ones(size * width // BLOCK, np.float32),
        "keys": np.zeros((width, HEAD), np.float32),
        "places": np.zeros((positions, 1), np.float32),
        "one": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["embedding", "input_ids"], ["hidden"]),
        helper.make_node("Gather", ["places", "position_ids"], ["place"]),
        helper.make_node(
            "MatMulNBits",
            ["hidden", "next_token", "scales"],
            ["scores"],
            domain="com.microsoft",
            K=width,
            N=size,
            bits=4,
            block_size=BLOCK,
        ),
        helper.make_node("Add", ["scores", "place"], ["placed"]),
        helper.make_node("MatMul", ["hidden", "keys"], ["flat"]),
        helper.make_node("Unsqueeze", ["flat", "one"], ["new"]),
        helper.make_node("Concat", ["past_key_values.0.key", "new"], ["present.0.key"], axis=2),
        helper.make_node("Concat", ["past_key_values.0.value", "new"], ["present.0.value"], axis=2),
    ]
    if hungry:
        constants["huge"] = np.array([1 << 20, 1023], np.int64)
        nodes += [
            helper.make_node("ConstantOfShape", ["huge"], ["block"]),
            helper.make_node("ReduceMax", ["block"], ["largest"], keepdims=0),
            helper.make_node("Add", ["placed", "largest"], ["logits"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["placed"], ["logits"]))
    cache = ["batch", 1, "past", HEAD]
    grown = ["batch", 1, "total", HEAD]
    info, real, whole = helper.make_tensor_value_info, TensorProto.FLOAT, TensorProto.INT64
    graph = helper.make_graph(
        nodes,
        "recite",
        [
            info("input_ids", whole, ["batch", "sequence"]),
            info("attention_mask", whole, ["batch", "total"]),
            info("position_ids", whole, ["batch", "sequence"]),
            info("past_key_values.0.key", real, cache),
            info("past_key_values.0.value", real, cache),
        ],
        [
            info("logits", real, ["batch", "sequence", size]),
            info("present.0.key", real, grown),
            info("present.0.value", real, grown),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def _files(family: str, vocabulary: dict[str, int], positions: int) -> dict[str, object]:
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    return {
        "config.json": {
            "model_type": family,
            "vocab_size": len(vocabulary),
            "hidden_size": HEAD,
            "head_dim": HEAD,
            "num_hidden_layers": 1,
            "num_attention_heads": 1,
            "num_key_value_heads": 1,
            "max_position_embeddings": positions,
            "eos_token_id": END,
            "pad_token_id": END,
        },
        "generation_config.json": {"eos_token_id": END, "pad_token_id": END},
        "tokenizer.json": {
            "version": "1.0",
            "added_tokens": [{"id": number, "content": token, **special} for number, token in enumerate(SPECIAL)],
            "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
            "post_processor": None,
            "decoder": metaspace,
            "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": SPECIAL[UNKNOWN]},
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "unk_token": SPECIAL[UNKNOWN],
            "eos_token": SPECIAL[END],
            "pad_token": SPECIAL[END],
            "model_max_length": positions,
            "chat_template": TEMPLATE,
        },
    }
