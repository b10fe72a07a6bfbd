// Searches the library from the page and puts passages into the reference. Knows its own elements only.
import { serverFailure } from "/browser/static/asking.js";
import { search } from "/browser/static/server.js";
import { number, text } from "/browser/static/texts.js";

export class Library {
  #asked = 0;

  constructor(query, button, found, results, reference) {
    Object.assign(this, { query, found, results, reference });
    button.addEventListener("click", () => this.look());
    query.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      this.look();
    });
  }

  async look() {
    const wanted = this.query.value.trim();
    if (!wanted) return this.query.focus();
    const asked = ++this.#asked;
    this.found.textContent = text("searching");
    let passages = [];
    try {
      passages = await search(wanted);
    } catch (error) {
      this.found.textContent = serverFailure(error);
      return;
    }
    // Only the last search counts, in whatever order the answers come.
    if (asked !== this.#asked) return;
    this.found.textContent = passages.length ? text("found", { count: number(passages.length) }) : text("foundNone");
    this.results.replaceChildren(...passages.map((passage) => this.#item(passage)));
  }

  #item(passage) {
    const place = [passage.document, passage.page && text("page", { page: passage.page }), ...passage.headings.slice(-1)];
    const item = document.createElement("li");
    const head = document.createElement("p");
    head.className = "place";
    head.textContent = place.filter(Boolean).join(" · ");
    const excerpt = document.createElement("p");
    excerpt.className = "excerpt";
    excerpt.textContent = passage.text;
    const add = document.createElement("button");
    add.type = "button";
    add.className = "quiet";
    add.textContent = text("add");
    add.ariaLabel = text("addLabel", { document: passage.document });
    add.addEventListener("click", () => {
      const before = this.reference.value.trimEnd();
      this.reference.value = `${before}${before ? "\n\n" : ""}[${head.textContent}]\n${passage.text}\n`;
      add.disabled = true;
      add.textContent = text("added");
    });
    item.append(head, excerpt, add);
    return item;
  }
}
