// The page at /browser: reads the form, shows what the other modules find out. Every element is found here.
import { Asking, Refused, failure, promptFor, reason, serverFailure } from "/browser/static/asking.js";
import { Card } from "/browser/static/cards.js";
import { draw, legend } from "/browser/static/chart.js";
import { BrowserEngine, Stopped } from "/browser/static/engine.js";
import { Library } from "/browser/static/library.js";
import { choose, probe } from "/browser/static/probe.js";
import { fill, report } from "/browser/static/runs.js";
import * as server from "/browser/static/server.js";
import * as storage from "/browser/static/storage.js";
import * as texts from "/browser/static/texts.js";

const { text, size } = texts;
const $ = (id) => document.getElementById(id);
const engine = new BrowserEngine();
const runs = [];
let config, facts, latest = [], asking = null, available = null;

async function start() {
  const reply = await fetch("/browser/config");
  config = await reply.json();
  texts.begin(config.language);
  facts = await probe();
  await storage.tidy(config.models);
  $("name-small").textContent = config.small;
  $("name-large").textContent = config.large;
  new Library($("query"), $("search"), $("found"), $("results"), $("reference"));
  listen();
  await show();
  $("run").disabled = false;
  $("status").textContent = text("ready");
  document.body.dataset.ready = "true";
  await lookUp();
}

/** Which of the server's models are there; what is not is offered unticked. */
async function lookUp() {
  try {
    available = new Set(await server.models());
  } catch (error) {
    $("status").textContent = serverFailure(error);
    available = new Set();
  }
  for (const [pass, model] of [["small", config.small], ["large", config.large]]) {
    const there = available.has(model);
    if (!there) $(`pass-${pass}`).checked = false;
    $(`state-${pass}`).textContent = there ? "" : text("notThere");
  }
  document.body.dataset.server = "known";
}

function listen() {
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  $("question").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!$("run").disabled) ask();
  });
  $("stop").addEventListener("click", () => asking?.stop());
  $("engine").addEventListener("change", showModel);
  $("model").addEventListener("change", showModel);
  $("download").addEventListener("click", download);
  $("clear").addEventListener("click", async () => {
    engine.end();
    await storage.clear();
    await showModel();
    $("status").textContent = text("cleared");
  });
  $("export").addEventListener("click", save);
  $("forget").addEventListener("click", () => {
    runs.length = latest.length = 0;
    showRuns();
    $("question").focus();
  });
  for (const button of document.querySelectorAll("[data-language]"))
    button.addEventListener("click", async () => {
      texts.choose(button.dataset.language);
      await show();
    });
}

/** Everything that is worded, in the current language. */
async function show() {
  texts.translate();
  showFacts();
  for (const card of document.querySelectorAll(".answer"))
    card.querySelector(".state").textContent = text(card.dataset.state);
  options($("engine"), ["auto", "webgpu", "wasm", "server"], (name) => text(`engine${name[0].toUpperCase()}${name.slice(1)}`));
  const models = ["", ...config.models.map((_, place) => String(place))];
  const before = $("model").options.length ? $("model").value : config.models[0]?.where === "folder" ? "0" : "";
  options($("model"), models, (place) => (place ? label(config.models[place]) : text("noModel")));
  $("model").value = before;
  if (available) for (const pass of ["small", "large"]) $(`state-${pass}`).textContent = available.has(config[pass]) ? "" : text("notThere");
  await showModel();
  legend($("legend"));
  showRuns();
}

function options(select, values, worded) {
  const kept = select.value;
  select.replaceChildren(...values.map((value) => new Option(worded(value), value)));
  if (values.includes(kept)) select.value = kept;
}

function showFacts() {
  const { adapter, memory } = facts;
  const said = [text(facts.secure ? "factSecure" : "factInsecure")];
  said.push(adapter ? text(adapter.software ? "factSoftware" : "factGpu", { name: adapter.name }) : text("factNoGpu"));
  if (adapter) said.push(text(adapter.f16 ? "factF16" : "factNoF16"));
  if (memory) said.push(text("factMemory", { memory: size(memory) }));
  said.push(text(facts.isolated ? "factThreads" : "factNoThreads"));
  $("facts").replaceChildren(
    ...said.map((sentence) => {
      const item = document.createElement("li");
      item.textContent = sentence;
      return item;
    }),
  );
}

const chosenModel = () => config.models[$("model").value] ?? null;
const choice = () => choose(facts, chosenModel(), { wanted: $("engine").value, runtime: Boolean(config.runtime) });
const hubName = () => new URL(config.hub).host;
const bytesOf = (model, precision) => model.bytes[precision] ?? Math.min(...Object.values(model.bytes));

function label(model) {
  const values = { name: model.name, size: size(bytesOf(model, choose(facts, model).precision)) };
  return model.where === "hub" ? text("fromHub", { ...values, hub: hubName() }) : text("fromFolder", values);
}

/** The chosen model: where it would run and why, what it takes, whether it is here. */
async function showModel() {
  const model = chosenModel(), chosen = choice();
  const here = model && chosen.precision ? await storage.stored(model, chosen.precision) : false;
  $("probe").textContent = reason(chosen);
  const needs = model?.where === "hub" && chosen.engine !== "server" && !here;
  $("download").hidden = !needs;
  const notes = [];
  if (model) {
    const bytes = size(bytesOf(model, chosen.precision));
    if (here) notes.push(text("noteStored"));
    else notes.push(model.where === "hub" ? text("noteHub", { size: bytes, hub: hubName() }) : text("noteFolder"));
    if (model.licence) notes.push(text("licence", { licence: model.licence }));
    if (needs) $("download").textContent = text("download", { size: bytes });
  }
  $("model-note").textContent = notes.join(" ");
  const room = await storage.estimate();
  $("storage").textContent = room ? text("storage", { usage: size(room.usage), quota: size(room.quota) }) : text("storageUnknown");
  document.body.dataset.engine = chosen.engine;
}

/** Loads the chosen model, with progress shown. `download` lets it come from the hub. */
async function load(model, chosen, download) {
  const room = await storage.estimate();
  const bytes = bytesOf(model, chosen.precision);
  const here = await storage.stored(model, chosen.precision);
  if (!here && room && bytes > room.quota - room.usage) {
    const free = size(Math.max(room.quota - room.usage, 0));
    throw new Refused(text("tooLarge", { name: model.name, size: size(bytes), free }));
  }
  if (!here && model.where === "hub" && !download) throw new Refused(text("notDownloaded", { model: model.name }));
  const shown = !engine.holds(model, chosen);
  $("loading").hidden = !shown;
  $("progress").removeAttribute("value");
  $("stage").textContent = text("stageStart");
  try {
    return await engine.load(model, chosen, { runtime: config.runtime, hub: config.hub, cache: storage.CACHE, download, told: showLoading });
  } finally {
    $("loading").hidden = true;
    await showModel();
  }
}

function showLoading(event) {
  if (event.type === "progress") {
    $("progress").value = (100 * event.loaded) / event.total;
    $("stage").textContent = text("stageDownload", { loaded: size(event.loaded), total: size(event.total) });
  } else {
    $("progress").removeAttribute("value");
    $("stage").textContent = text(event.stage);
  }
}

async function download() {
  const model = chosenModel(), chosen = choice();
  busy(true);
  asking = { stop: () => engine.stop() };
  await storage.keep();
  try {
    await load(model, chosen, true);
    $("status").textContent = text("downloaded", { name: model.name });
  } catch (error) {
    $("status").textContent = error instanceof Stopped ? text("allStopped") : failure(error, model);
  } finally {
    asking = null;
    busy(false);
  }
}

function busy(is) {
  $("run").disabled = $("clear").disabled = $("download").disabled = $("model").disabled = $("engine").disabled = is;
  $("stop").disabled = !is;
  document.body.dataset.busy = is;
}

async function ask() {
  const question = $("question").value.trim();
  const passes = ["browser", "small", "large"].filter((pass) => $(`pass-${pass}`).checked);
  if (!question || !passes.length) {
    $("status").textContent = text(question ? "noPass" : "noQuestion");
    (question ? $("pass-browser") : $("question")).focus();
    return;
  }
  const longest = Math.min(Math.max(Math.round($("longest").valueAsNumber) || 256, 1), 4096);
  const prompt = promptFor(question, $("reference").value, longest, texts.language());
  const model = chosenModel(), chosen = choice();
  const stand = available?.has(config.small) ? config.small : "tandem";
  asking = new Asking({ engine, prompt, load: () => load(model, chosen, false) });
  busy(true);
  latest = [];
  $("empty").hidden = true;
  $("answers").replaceChildren();
  const names = { browser: model?.name ?? text("passBrowser"), small: config.small, large: config.large };
  const cards = passes.map((pass) => new Card($("answers"), names[pass]));
  for (const [place, pass] of passes.entries()) {
    const card = cards[place];
    if (asking.stopped) {
      card.say("stopped");
      continue;
    }
    $("status").textContent = text("running", { name: names[pass] });
    const run = pass === "browser" ? await asking.here(model, chosen, stand, card) : await asking.there(config[pass], card);
    run.number = runs.length + 1;
    runs.push(run);
    latest.push(run);
    showRuns();
  }
  // The status is read aloud: what was answered, once, when it is whole.
  $("status").textContent = asking.stopped ? text("allStopped") : text("allFinished", { names: latest.map(({ name }) => name).join(", ") });
  $("spoken").textContent = latest.map((run) => `${run.name}: ${run.text || text(run.status)}`).join(" ");
  const stoppedHere = asking.stopped;
  asking = null;
  busy(false);
  // A button that is disabled under the keyboard would drop the focus to the top of the page.
  if (stoppedHere && document.activeElement === document.body) $("run").focus();
}

function showRuns() {
  draw($("chart"), latest);
  fill($("runs"), runs);
  for (const section of document.querySelectorAll("[data-with-runs]")) section.hidden = !runs.length;
  $("export").disabled = $("forget").disabled = !runs.length;
}

function save() {
  const blob = new Blob([JSON.stringify(report(runs, facts), null, 2)], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `tandem-browser-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

start().catch((error) => {
  $("status").textContent = text("serverGone");
  $("probe").textContent = text("serverGone");
  console.error(error);
});
