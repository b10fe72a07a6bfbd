// The table of runs, and its export in the form of the benchmark's report. Knows figures, not how they came about.
import { number, text } from "/browser/static/texts.js";

const COLUMNS = [
  ["colRun", (run) => number(run.number)],
  ["colModel", (run) => run.model],
  ["colEngine", (run) => text(`engine_${run.engine}`)],
  ["colState", (run) => text(run.status)],
  ["colLoad", (run) => milliseconds(run.load_ms)],
  ["colWarm", (run) => milliseconds(run.warm_up_ms)],
  ["colFirst", (run) => milliseconds(run.first_token_ms)],
  ["colTotal", (run) => milliseconds(run.total_ms)],
  ["colTokens", (run) => (run.tokens === null ? "–" : number(run.tokens))],
  ["colRate", (run) => (run.tokens_per_second === null ? "–" : number(run.tokens_per_second, 1))],
];
const FIGURES_FROM = 4;

const milliseconds = (value) => (value === null || value === undefined ? "–" : text("ms", { value: number(value) }));

/** Tokens after the first, by the time after the first; null where that says nothing. */
export function rate({ tokens, first_token_ms, total_ms }) {
  const seconds = (total_ms - first_token_ms) / 1000;
  return tokens > 1 && first_token_ms !== null && seconds > 0 ? (tokens - 1) / seconds : null;
}

export function fill(table, runs) {
  table.tHead.rows[0].replaceChildren(
    ...COLUMNS.map(([key], place) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = text(key);
      if (place >= FIGURES_FROM) cell.className = "figure";
      return cell;
    }),
  );
  table.tBodies[0].replaceChildren(
    ...runs.map((run) => {
      const row = document.createElement("tr");
      COLUMNS.forEach(([, shown], place) => {
        const cell = row.insertCell();
        cell.textContent = shown(run);
        if (place >= FIGURES_FROM) cell.className = "figure";
      });
      return row;
    }),
  );
}

/**
 * The runs as `tandem bench` reports them (format tandem-bench-report 1.0): a model for each model and place. One field
 * is beside that format: `gpu_dispatches`, how often the page saw the GPU being given work.
 */
export function report(runs, facts) {
  const prompts = new Map();
  const models = new Map();
  for (const run of runs) {
    const asked = JSON.stringify([run.prompt.system, run.prompt.before + run.prompt.reference + run.prompt.after]);
    if (!prompts.has(asked)) {
      const [system, whole] = JSON.parse(asked);
      prompts.set(asked, { id: `q${prompts.size + 1}`, text: whole, system });
    }
    const name = [run.model, run.precision, run.engine === "server" ? "" : run.engine].filter(Boolean).join(" ");
    if (!models.has(name)) models.set(name, { name, first: run, runs: [] });
    models.get(name).runs.push([prompts.get(asked).id, run]);
  }
  return {
    format: "tandem-bench-report",
    version: "1.0",
    created: new Date().toISOString(),
    producer: "tandem browser",
    complete: true,
    machine: {
      system: navigator.userAgent,
      cores: navigator.hardwareConcurrency ?? null,
      memory_mb: facts.memory ? facts.memory / 1e6 : null,
      gpus: facts.adapter ? [facts.adapter.name] : [],
    },
    conditions: { loads: [{ kind: "closed", concurrency: 1 }], rounds: 1, max_tokens: runs.at(-1)?.prompt.longest ?? null, temperature: 0, stream: true },
    prompts: [...prompts.values()],
    models: [...models.values()].map(reported),
    notes: ["One request at a time, as a person asks. Times of a browser's model count from the prompt, after loading."],
  };
}

function reported({ name, first, runs }) {
  const failed = runs.filter(([, run]) => run.status === "failed");
  const cold = runs.find(([, run]) => run.load_ms)?.[1];
  return {
    name,
    id: first.model,
    runtime: first.engine,
    device: { webgpu: "gpu", wasm: "cpu" }[first.engine] ?? "",
    execution_provider: { webgpu: "WebGPU", wasm: "WebAssembly" }[first.engine] ?? "",
    size_mb: first.bytes ? first.bytes / 1e6 : null,
    status: failed.length === runs.length ? "failed" : failed.length ? "partial" : "measured",
    reason: failed[0]?.[1].error ?? "",
    cold_load_ms: cold?.load_ms ?? null,
    warm_up_ms: cold?.warm_up_ms ?? null,
    requests: runs.map(([prompt, run], round) => ({
      prompt,
      round,
      queue_ms: run.queue_ms ?? 0,
      load_ms: run.engine === "server" ? run.load_ms ?? 0 : 0,
      first_token_ms: run.first_token_ms,
      first_content_ms: run.first_content_ms,
      total_ms: run.total_ms,
      tpot_ms: run.tokens_per_second ? 1000 / run.tokens_per_second : null,
      prompt_tokens: run.prompt_tokens,
      completion_tokens: run.tokens,
      reasoning_tokens: run.reasoning_tokens ?? null,
      estimated: run.estimated ?? false,
      finish_reason: run.status === "stopped" ? "cancelled" : run.finish_reason ?? null,
      failure: run.status === "failed" ? run.error : null,
      failure_kind: run.status === "failed" ? "unavailable" : null,
      text: run.text,
      gpu_dispatches: run.dispatches ?? null,
    })),
  };
}
