"""A client that shares nothing with the openai one, not even the language: the AI SDK's OpenAI-compatible provider."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from hybrid.runtimes.scripted import Scripted
from tests.support.npm_files import node_client
from tests.support.served import Served
from tests.tandem.api.conftest import DRAFT

SCRIPT = """
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { generateText, streamText } from "ai"

const provider = createOpenAICompatible({ name: "tandem", baseURL: process.argv[2], includeUsage: true })
const prompt = "How many days of holiday are there?"
const ask = (model, more = {}) => ({ model: provider(model), prompt, maxRetries: 0, ...more })

const whole = await generateText(ask("phi-4-mini", { system: "Be brief.", maxOutputTokens: 500, temperature: 0 }))
const stream = streamText(ask("tandem"))
let streamed = ""
for await (const piece of stream.textStream) streamed += piece
const thinking = streamText(ask("gpt-oss-20b"))
for await (const _ of thinking.textStream) {}
let pieces = 0
for await (const _ of streamText(ask("thousand")).textStream) pieces++
const abort = new AbortController()
const left = streamText(ask("slow", { abortSignal: abort.signal, onError() {} }))
for await (const _ of left.textStream) abort.abort()
const refused = await generateText(ask("gpt-9")).catch((error) => error.statusCode)
console.log(JSON.stringify({
  whole: whole.text, finish: whole.finishReason, tokens: whole.usage.outputTokens,
  streamed, streamedTokens: (await stream.usage).outputTokens,
  reasoning: await thinking.reasoningText, pieces, refused,
}))
"""


def test_it_asks_streams_thinks_leaves_and_is_refused(served: Served, runtime: Scripted) -> None:
    folder = node_client()
    script: Path = folder / "ask.mjs"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        ["node", str(script), f"{served.url}/v1"], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["whole"], said["finish"], said["tokens"]) == (DRAFT, "stop", 11)
    assert (said["streamed"], said["streamedTokens"]) == (DRAFT, 11)
    assert said["reasoning"] == "Let me see. "
    assert said["pieces"] > 2
    assert said["refused"] == 404
    assert served.wait_for(lambda: runtime.active == 0)
    assert served.calls.cancelled == 1
