// The server's models through /v1: asks, streams, measures. Knows the protocol, not the page.

/** What the server said instead of an answer. `status` 0: it could not be reached. */
export class ServerError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The names the server answers to. */
export async function models() {
  const reply = await reach("/v1/models", {});
  return (await reply.json()).data.map(({ id }) => id);
}

/** Passages of the library for a query, best first. */
export async function search(query) {
  const reply = await reach(`/browser/search?q=${encodeURIComponent(query)}`, {});
  return (await reply.json()).passages;
}

/**
 * Streams an answer; `told(kind, text)` hears "answer" and "thought". Resolves with the figures, in milliseconds from
 * the moment the request was sent; tokens as the server counted them.
 */
export async function generate(model, { system, before, reference, after, longest }, signal, told) {
  const messages = [{ role: "system", content: system }, { role: "user", content: before + reference + after }];
  const body = { model, messages, stream: true, stream_options: { include_usage: true }, max_tokens: longest, temperature: 0 };
  const began = performance.now();
  const figures = { first_token_ms: null, first_content_ms: null, total_ms: null, tokens: null, prompt_tokens: null };
  const headers = { "content-type": "application/json" };
  const reply = await reach("/v1/chat/completions", { method: "POST", headers, body: JSON.stringify(body), signal });
  let pieces = 0;
  for await (const event of events(reply.body)) {
    if (event.error) throw new ServerError(reply.status, event.error.message);
    const choice = event.choices?.[0];
    const answer = choice?.delta?.content, thought = choice?.delta?.reasoning_content;
    if (answer || thought) {
      const now = performance.now() - began;
      figures.first_token_ms ??= now;
      if (answer) figures.first_content_ms ??= now;
      figures.total_ms = now;
      pieces++;
      if (thought) told("thought", thought);
      if (answer) told("answer", answer);
    }
    if (choice?.finish_reason) figures.finish_reason = choice.finish_reason;
    if (event.usage) {
      figures.tokens = event.usage.completion_tokens;
      figures.prompt_tokens = event.usage.prompt_tokens;
      figures.reasoning_tokens = event.usage.completion_tokens_details?.reasoning_tokens ?? 0;
    }
    if (event.tandem) {
      const spent = (name) => (event.tandem.trace?.spans ?? []).filter((span) => span.name === name).reduce((sum, span) => sum + span.duration_ms, 0);
      Object.assign(figures, { load_ms: spent("load"), queue_ms: spent("queue"), estimated: event.tandem.usage_estimated, wrote: event.tandem.model });
    }
  }
  figures.tokens ??= pieces;
  return figures;
}

async function reach(address, options) {
  let reply;
  try {
    reply = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerError(0, "");
  }
  if (!reply.ok) {
    const said = await reply.json().catch(() => null);
    throw new ServerError(reply.status, said?.error?.message ?? `${reply.status}`);
  }
  return reply;
}

/** The objects of an event stream. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    const lines = buffer.split(/\r?\n/);
    buffer = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data:")) continue;
      const data = line.slice(5).trim();
      if (data && data !== "[DONE]") yield JSON.parse(data);
    }
  }
}
