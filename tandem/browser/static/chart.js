// Latency bars, one row a pass, on one scale. Knows figures and colours, not how they were measured.
import { number, text } from "/browser/static/texts.js";

const SEGMENTS = ["load", "warm", "first", "rest"];
const NAMES = { load: "segLoad", warm: "segWarm", first: "segFirst", rest: "segRest" };

/** A run's stretches of time in milliseconds. For a server's run, loading is part of the time to the first token. */
export function stretches(run) {
  const first = run.first_token_ms ?? 0;
  const load = run.load_ms ?? 0;
  const waited = run.engine === "server" ? Math.max(first - load, 0) : first;
  return { load, warm: run.warm_up_ms ?? 0, first: waited, rest: Math.max((run.total_ms ?? 0) - first, 0) };
}

export function legend(list) {
  list.replaceChildren(
    ...SEGMENTS.map((name) => {
      const item = document.createElement("li");
      const swatch = document.createElement("span");
      swatch.className = `swatch ${name}`;
      item.append(swatch, text(NAMES[name]));
      return item;
    }),
  );
}

/** Draws `runs` (those of the last question), each with its name. */
export function draw(chart, runs) {
  const rows = runs.map((run) => ({ run, parts: stretches(run) }));
  const most = Math.max(...rows.map(({ parts }) => sum(parts)), 1);
  chart.replaceChildren(...rows.map(({ run, parts }) => row(run, parts, most)));
}

const sum = (parts) => SEGMENTS.reduce((all, name) => all + parts[name], 0);

function row(run, parts, most) {
  const element = document.createElement("div");
  element.className = "pass";
  element.setAttribute("role", "listitem");
  const head = document.createElement("p");
  head.className = "name";
  const name = document.createElement("span");
  name.textContent = run.name;
  const total = document.createElement("span");
  total.className = "figure";
  total.textContent = text("ms", { value: number(sum(parts)) });
  head.append(name, total);
  const track = document.createElement("div");
  track.className = "track";
  track.setAttribute("role", "img");
  const shown = Object.fromEntries(SEGMENTS.map((part) => [part, number(parts[part])]));
  track.ariaLabel = text("barLabel", { name: run.name, ...shown });
  for (const part of SEGMENTS) {
    if (!parts[part]) continue;
    const bar = document.createElement("span");
    bar.className = `bar ${part}`;
    bar.dataset.ms = parts[part];
    bar.style.width = `${(100 * parts[part]) / most}%`;
    bar.title = `${text(NAMES[part])}: ${text("ms", { value: shown[part] })}`;
    track.append(bar);
  }
  const figures = document.createElement("p");
  figures.className = "hint";
  const said = SEGMENTS.filter((part) => parts[part]).map((part) => `${text(NAMES[part])} ${text("ms", { value: shown[part] })}`);
  if (run.tokens_per_second) said.push(text("rate", { value: number(run.tokens_per_second, 1) }));
  figures.textContent = said.join(" · ");
  element.append(head, track, figures);
  return element;
}
