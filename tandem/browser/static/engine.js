// The page's side of the worker: one model loaded at a time, one generation at a time. Knows messages, not the page.

// Beside Stop: a worker that has not ended the generation after this is ended itself.
const PATIENCE_MS = 200;

/** What ended a load or a generation. `kind`: missing, memory, lost, network, other. */
export class EngineError extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

export class Stopped extends Error {}

export class BrowserEngine {
  #worker = null;
  #hub = false;
  #waiting = null;
  #key = null;
  #stopped = null;

  /** Whether exactly this is loaded. */
  holds(model, choice) {
    return this.#worker !== null && this.#key === keyOf(model, choice);
  }

  /** Loads a model; `told(event)` hears progress and stages. With `hub`, it may be downloaded from there. */
  async load(model, choice, { runtime, hub, cache, download, told }) {
    if (this.#worker && this.#hub !== download && !this.holds(model, choice)) this.end();
    this.#begin(download);
    const { id, where, stamp } = model;
    const asked = { type: "load", id, where, stamp, runtime, hub, cache, engine: choice.engine, precision: choice.precision };
    const ready = await this.#ask(asked, told);
    this.#key = keyOf(model, choice);
    return ready;
  }

  /** Generates; `told` hears { type: "text", kind, text }. Resolves with the figures. */
  generate(prompt, told) {
    this.#stopped = crossOriginIsolated ? new SharedArrayBuffer(4) : null;
    return this.#ask({ type: "generate", ...prompt, stopped: this.#stopped }, told);
  }

  /** Ends what runs: at the next token if the worker gets to it in time, else with the worker. */
  stop() {
    if (!this.#waiting) return;
    const { reject } = this.#waiting;
    if (this.#stopped) Atomics.store(new Int32Array(this.#stopped), 0, 1);
    this.#worker.postMessage({ type: "stop" });
    setTimeout(() => {
      if (this.#waiting?.reject !== reject) return;
      this.end();
      reject(new Stopped());
    }, PATIENCE_MS);
  }

  /** Ends the worker and frees what it holds. */
  end() {
    this.#worker?.terminate();
    this.#worker = this.#key = this.#waiting = null;
  }

  #begin(hub) {
    if (this.#worker) return;
    this.#hub = hub;
    const worker = new Worker(hub ? "/browser/hub-worker.js" : "/browser/static/worker.js", { type: "module" });
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#hear({ type: "failed", kind: "other", message: event.message || "the worker could not be started" });
    };
    this.#worker = worker;
  }

  #ask(message, told) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject, told };
      this.#worker.postMessage(message);
    });
  }

  #hear(data) {
    const waiting = this.#waiting;
    if (data.type === "failed") {
      // Whatever failed may have left the runtime in pieces: a new worker starts clean.
      this.end();
      waiting?.reject(new EngineError(data.kind, data.message));
    } else if (data.type === "ready" || data.type === "done") {
      this.#waiting = null;
      waiting?.resolve(data);
    } else {
      waiting?.told(data);
    }
  }
}

const keyOf = (model, choice) => [model.id, model.stamp, choice.engine, choice.precision].join(" ");
