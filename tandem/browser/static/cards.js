// An answer on the page: a card a pass, text painted in batches. Knows elements, not who writes.
import { number, text } from "/browser/static/texts.js";

export class Card {
  #pending = { answer: "", thought: "" };
  #scheduled = false;

  constructor(place, name) {
    this.element = document.createElement("article");
    this.element.className = "card answer";
    this.title = document.createElement("h3");
    this.state = document.createElement("p");
    this.state.className = "state";
    this.note = document.createElement("p");
    this.note.className = "notice";
    this.note.hidden = true;
    this.thoughts = document.createElement("details");
    this.thoughts.hidden = true;
    const summary = document.createElement("summary");
    summary.dataset.text = "thoughts";
    summary.textContent = text("thoughts");
    this.thought = document.createElement("p");
    this.thought.className = "thought";
    this.thoughts.append(summary, this.thought);
    this.text = document.createElement("p");
    this.text.className = "text";
    // A long answer scrolls, also by keyboard.
    this.text.tabIndex = 0;
    this.text.setAttribute("role", "group");
    this.figures = document.createElement("p");
    this.figures.className = "hint figures";
    const head = document.createElement("header");
    head.append(this.title, this.state);
    this.element.append(head, this.note, this.thoughts, this.text, this.figures);
    place.append(this.element);
    this.rename(name);
    this.say("waiting");
  }

  rename(name) {
    this.title.textContent = this.text.ariaLabel = name;
  }

  /** Says a state, a key of texts.js; it is kept so that another language says it again. */
  say(key) {
    this.element.dataset.state = key;
    this.state.textContent = text(key);
    // A screen reader hears the whole answer once, from the page's status, rather than every word.
    this.text.ariaBusy = String(key === "writing");
  }

  notice(sentence) {
    this.note.textContent = sentence;
    this.note.hidden = false;
  }

  /** Begins anew: what was written so far is void. */
  reset() {
    this.flush();
    this.text.textContent = this.thought.textContent = "";
    this.thoughts.hidden = true;
  }

  add(kind, piece) {
    this.#pending[kind] += piece;
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.flush());
  }

  flush() {
    this.#scheduled = false;
    const { answer, thought } = this.#pending;
    this.#pending = { answer: "", thought: "" };
    if (thought) {
      this.thoughts.hidden = false;
      this.thought.append(thought);
    }
    if (answer) {
      if (this.element.dataset.state !== "writing") this.say("writing");
      this.text.append(answer);
    } else if (thought && this.element.dataset.state === "loadingModel") this.say("thinking");
  }

  finish(run) {
    this.flush();
    this.say(run.status);
    if (run.status === "finished" && !run.text) this.notice(text("noAnswer"));
    const said = [];
    if (run.first_token_ms !== null) said.push(`${text("colFirst")} ${text("ms", { value: number(run.first_token_ms) })}`);
    if (run.total_ms !== null) said.push(`${text("colTotal")} ${text("ms", { value: number(run.total_ms) })}`);
    if (run.tokens_per_second) said.push(text("rate", { value: number(run.tokens_per_second, 1) }));
    this.figures.textContent = said.join(" · ");
  }
}
