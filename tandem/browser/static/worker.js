// Generates in a thread of its own: loads one model at a time, streams its tokens, counts what the GPU does.
// Knows transformers.js. Does not know the page.
import { Channels } from "/browser/static/channels.js";
import { goesRound } from "/browser/static/loops.js";

// Context is memory: more than this is not used, whatever the model could take.
const MOST_POSITIONS = 8192;

const gpu = { dispatches: 0 };
let library, tokenizer, model, loaded, flag;

countDispatches();
noticeLostDevice();

const handlers = { load, generate, stop: () => flag?.interrupt() };
self.onmessage = async ({ data }) => {
  try {
    await handlers[data.type](data);
  } catch (error) {
    failed(error);
  }
};

async function load({ id, where, stamp, runtime, hub, engine, precision, cache }) {
  const key = [id, stamp, engine, precision].join(" ");
  if (loaded === key) return self.postMessage({ type: "ready", load_ms: 0, warm_up_ms: 0 });
  const began = performance.now();
  library ??= await start(runtime, cache);
  library.env.remoteHost = where === "hub" ? hub : self.location.origin;
  library.env.remotePathTemplate = where === "hub" ? "{model}/resolve/{revision}/" : "browser/models/{revision}/{model}/";
  await model?.dispose();
  loaded = model = undefined;
  const options = { revision: where === "hub" ? "main" : stamp, progress_callback: progress };
  tokenizer = await library.AutoTokenizer.from_pretrained(id, options);
  model = await library.AutoModelForCausalLM.from_pretrained(id, { ...options, device: engine, dtype: precision });
  const warm = performance.now();
  self.postMessage({ type: "stage", stage: "stageWarm" });
  // Shaders are compiled when they are first used: two tokens use those of the prompt and those of the rest.
  await model.generate({ ...(await tokenizer("a")), max_new_tokens: 2, do_sample: false });
  loaded = key;
  self.postMessage({ type: "ready", load_ms: warm - began, warm_up_ms: performance.now() - warm });
}

async function start(runtime, cache) {
  const library = await import(`${runtime}transformers.min.js`);
  const { env } = library;
  env.allowLocalModels = false;
  env.useWasmCache = false;
  env.cacheKey = cache;
  const at = (name) => new URL(runtime + name, self.location.origin).href;
  env.backends.onnx.wasm.wasmPaths = {
    mjs: at("ort-wasm-simd-threaded.asyncify.mjs"),
    wasm: at("ort-wasm-simd-threaded.asyncify.wasm"),
  };
  return library;
}

let reported = 0;
function progress(event) {
  if (event.status === "progress_total") {
    const now = performance.now();
    const complete = event.loaded >= event.total;
    if (now - reported < 100 && !complete) return;
    reported = now;
    self.postMessage({ type: "progress", loaded: event.loaded, total: event.total });
    if (complete) self.postMessage({ type: "stage", stage: "stageCompile" });
  }
}

async function generate({ system, before, reference, after, longest, stopped }) {
  const { TextStreamer, InterruptableStoppingCriteria, StoppingCriteria, StoppingCriteriaList } = library;
  const ask = (text) => {
    const messages = [{ role: "system", content: system }, { role: "user", content: before + text + after }];
    return tokenizer.apply_chat_template(messages, { add_generation_prompt: true, return_dict: true, enable_thinking: false });
  };
  const { input, trimmed } = fit(ask, reference, longest);

  flag = new InterruptableStoppingCriteria();
  const criteria = new StoppingCriteriaList();
  criteria.push(flag);
  if (stopped) criteria.push(new (sharedStop(StoppingCriteria))(new Int32Array(stopped)));
  const circles = new (stopInCircles(StoppingCriteria))(input.input_ids.dims[1]);
  criteria.push(circles);

  const began = performance.now();
  const dispatched = gpu.dispatches;
  let tokens = 0, first = null, firstContent = null, last = null;
  const channels = new Channels((kind, text) => {
    if (kind === "answer") firstContent ??= performance.now();
    self.postMessage({ type: "text", kind, text });
  });
  const streamer = new TextStreamer(tokenizer, {
    skip_prompt: true,
    skip_special_tokens: false,
    token_callback_function: () => {
      tokens++;
      last = performance.now();
      first ??= last;
    },
    callback_function: (text) => channels.feed(withoutEnd(text)),
  });
  await model.generate({ ...input, max_new_tokens: longest, do_sample: false, streamer, stopping_criteria: criteria });
  channels.end();
  const since = (time) => (time === null ? null : time - began);
  self.postMessage({
    type: "done",
    first_token_ms: since(first),
    first_content_ms: since(firstContent),
    total_ms: since(last),
    tokens,
    prompt_tokens: input.input_ids.dims[1],
    dispatches: gpu.dispatches - dispatched,
    finish_reason: circles.met ? "loop" : tokens >= longest ? "length" : "stop",
    trimmed,
  });
}

/** The prompt, with as much of the reference as the model's positions leave room for. */
function fit(ask, reference, longest) {
  const positions = Math.min(model.config.max_position_embeddings ?? MOST_POSITIONS, MOST_POSITIONS);
  const room = positions - Math.min(longest, positions >> 1);
  let input = ask(reference);
  if (input.input_ids.dims[1] <= room) return { input, trimmed: null };
  const ids = tokenizer.encode(reference, { add_special_tokens: false });
  let kept = ids.length - (input.input_ids.dims[1] - room);
  // Tokens may be cut otherwise beside other text, so a prompt that is still too long loses what it exceeds.
  while (kept > 0) {
    input = ask(tokenizer.decode(ids.slice(0, kept), { skip_special_tokens: true }));
    const over = input.input_ids.dims[1] - room;
    if (over <= 0) break;
    kept -= over;
  }
  if (kept <= 0) input = ask("");
  if (input.input_ids.dims[1] > room) throw new Error(`the question alone is longer than the model's ${positions} tokens`);
  return { input, trimmed: { kept: Math.max(kept, 0), all: ids.length, positions } };
}

/** The text without the model's own end marks; those that part thought from answer are read elsewhere. */
function withoutEnd(text) {
  for (const mark of [tokenizer.eos_token, tokenizer.pad_token]) if (mark && mark !== "<|end|>") text = text.replaceAll(mark, "");
  return text;
}

/** Stops at the next token when the page sets the shared word, even while no message gets through. */
function sharedStop(StoppingCriteria) {
  return class extends StoppingCriteria {
    constructor(word) {
      super();
      this.word = word;
    }
    _call(ids) {
      return new Array(ids.length).fill(Atomics.load(this.word, 0) !== 0);
    }
  };
}

/** Stops a text that goes round in circles; `met` says that it did. */
function stopInCircles(StoppingCriteria) {
  return class extends StoppingCriteria {
    met = false;
    constructor(from) {
      super();
      this.from = from;
    }
    _call(ids) {
      this.met ||= goesRound(ids[0], this.from);
      return new Array(ids.length).fill(this.met);
    }
  };
}

function countDispatches() {
  const pass = self.GPUComputePassEncoder?.prototype;
  for (const name of pass ? ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"] : []) {
    const real = pass[name];
    pass[name] = function (...sizes) {
      gpu.dispatches++;
      return real.apply(this, sizes);
    };
  }
}

function noticeLostDevice() {
  const adapter = self.GPUAdapter?.prototype;
  if (!adapter) return;
  const real = adapter.requestDevice;
  adapter.requestDevice = async function (...wanted) {
    const device = await real.apply(this, wanted);
    device.lost.then(({ reason, message }) => {
      if (reason !== "destroyed") self.postMessage({ type: "failed", kind: "lost", message });
    });
    return device;
  };
}

const KINDS = [
  ["missing", /could not locate file|\b404\b|file was not found/i],
  ["lost", /device.{0,20}lost|lost device|context lost/i],
  ["memory", /bad_alloc|out of memory|allocation failed|failed to allocate|memory access out of bounds|cannot grow|exceeds? .{0,40}buffer|invalid array length/i],
  ["network", /failed to fetch|network ?error|load failed/i],
];

function failed(error) {
  const message = String(error?.message ?? error);
  // Emscripten throws bare addresses when it runs out of memory while it reports something else.
  const kind = typeof error === "number" ? "memory" : KINDS.find(([, pattern]) => pattern.test(message))?.[0] ?? "other";
  loaded = undefined;
  self.postMessage({ type: "failed", kind, message: message.slice(0, 300) });
}
