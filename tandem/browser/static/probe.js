// What this browser can do, and where a model should therefore run. Knows the facts and the rules, not the page.

// Beyond this a model does not fit the 4 GB that WebAssembly can address, with what it needs beside the weights.
export const MOST_FOR_WASM = 1.5e9;
// What a model needs beside its weights: its context and the browser itself.
const HEADROOM = 1.3;

/** The facts: secure, adapter (name, software, f16, largest buffer), memory in bytes, isolated. */
export async function probe() {
  const facts = { secure: isSecureContext, isolated: crossOriginIsolated, adapter: null, memory: null };
  // Browsers that tell round it, and say 8 GB where there is more.
  if (navigator.deviceMemory) facts.memory = navigator.deviceMemory * 1e9;
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (adapter) {
    const info = adapter.info ?? {};
    facts.adapter = {
      name: [info.vendor, info.architecture || info.device].filter(Boolean).join(" ") || "GPU",
      software: Boolean(info.isFallbackAdapter ?? adapter.isFallbackAdapter) || /swiftshader|llvmpipe/i.test(info.architecture),
      f16: adapter.features.has("shader-f16"),
      largest: adapter.limits.maxBufferSize,
    };
  }
  return facts;
}

/**
 * Where `model` runs: { engine: "webgpu" | "wasm" | "server", precision, why, values }; `why` is a key of texts.js.
 * `wanted` is what the person set: "auto" or an engine. `runtime` says whether the files to run it are there.
 */
export function choose(facts, model, { wanted = "auto", runtime = true } = {}) {
  const server = (why, values = {}) => ({ engine: "server", precision: null, why, values: { model: model?.name, ...values } });
  if (!runtime) return server("whyNoRuntime");
  if (!model) return server("whyNoModel");
  if (wanted === "server") return server("whyAsked", { engine: "server" });
  if (!facts.secure) return server("whyInsecure");
  if (wanted !== "auto") {
    const precision = precisionFor(wanted, facts, model);
    if (!precision || (wanted === "webgpu" && !facts.adapter)) return server("whyNoPrecision", { engine: wanted });
    return { engine: wanted, precision, why: "whyAsked", values: { engine: wanted } };
  }
  const { adapter } = facts;
  const gpu = adapter && !adapter.software ? precisionFor("webgpu", facts, model) : null;
  if (gpu) {
    const bytes = model.bytes[gpu];
    // A very large model is cut into several buffers, but not into dozens.
    if (adapter.largest && bytes > adapter.largest * 8) return server("whyBuffer");
    // Browsers never say more than 8 GB, so 8 GB is no reason to refuse a model.
    if (facts.memory && facts.memory < 8e9 && bytes * HEADROOM > facts.memory)
      return server("whyMemory", { bytes, memory: facts.memory });
    const why = gpu === "q4" && !adapter.f16 ? "whyWebgpuNoF16" : "whyWebgpu";
    return { engine: "webgpu", precision: gpu, why, values: { precision: gpu } };
  }
  const cpu = precisionFor("wasm", facts, model);
  if (!cpu) return server("whyNeedsF16");
  const bytes = model.bytes[cpu];
  if (bytes > MOST_FOR_WASM) return server("whyWasmLarge", { bytes });
  if (facts.memory && bytes * HEADROOM > facts.memory) return server("whyMemory", { bytes, memory: facts.memory });
  return { engine: "wasm", precision: cpu, why: adapter?.software ? "whySoftware" : "whyNoAdapter", values: { precision: cpu } };
}

function precisionFor(engine, facts, model) {
  const usable = engine === "webgpu" && facts.adapter?.f16 ? ["q4f16", "q4"] : ["q4"];
  return usable.find((precision) => model.bytes[precision]) ?? null;
}
