// What stands on the first page beneath the question: what there is to ask about, and the card by which somebody who
// administers gets a model. Draws what tandem/ui/first_page.py tells. Text is put in as text. Knows nothing of servers or
// models: it asks by window.postMessage and hears the same way (public/tandem.js hands over what comes).

import { filled, formats } from "./formats.js"

const ask = (tandem, values) => window.postMessage({ tandem, ...values }, window.location.origin)
const texts = () => (window.tandemWords && window.tandemWords.first) || null
const made = (tag, how = {}, ...inside) => {
  const { dataset, aria, ...rest } = how
  const node = Object.assign(document.createElement(tag), rest)
  for (const [key, value] of Object.entries(dataset || {})) node.dataset[key] = value
  for (const [key, value] of Object.entries(aria || {})) node.setAttribute(`aria-${key}`, value)
  node.append(...inside.filter((one) => one !== null && one !== ""))
  return node
}
const { digits, percent, size, counted, day, duration } = formats(texts)

let library = null
let card = null // {root, detected, tried, downloads, offered}
let place = null

const button = (text, action, click) => made("button", { type: "button", className: "td-button td-button-line", dataset: { action }, onclick: click }, text)
const said = () => made("div", { className: "td-first-said", role: "status" })
const put = (where, ...what) => where.replaceChildren(...what)
const wrong = (text) => made("div", { className: "td-error", role: "alert" }, text)
const field = (label, hint, input) => made("label", { className: "td-field" }, made("span", {}, label), input, hint ? made("span", { className: "td-path" }, hint) : null)

const whole = (...inside) => made("span", { className: "td-whole" }, ...inside)

const libraryLine = ({ documents, changed, failed, folders }) => {
  const t = texts()
  if (!documents) {
    const text = folders.length ? filled(t.empty, { folders: folders.join(", ") }) : t.empty_staff
    return made("p", { className: "td-first-library", dataset: { documents: 0 } }, text)
  }
  const open = made("button", { type: "button", className: "td-link", onclick: () => ask("open") }, counted(t.documents, documents))
  const parts = [open, filled(t.changed, { date: day(changed) }), failed ? counted(t.unread, failed) : ""].filter(Boolean)
  return made("p", { className: "td-first-library", dataset: { documents } },
    ...parts.flatMap((one, at) => (at < parts.length - 1 ? [whole(one, "\u00a0·"), " "] : [whole(one)])))
}

// Which of a server's models answers, and the way to have it do so.
const chooser = ({ name, address, models }, variable) => {
  const t = texts()
  const listed = (first) => made("select", { className: "td-input" }, ...first, ...models.map((model) => made("option", { value: model }, model)))
  const draft = listed([])
  const refine = listed([made("option", { value: "" }, t.refine_none)])
  const result = said()
  const use = made("button", { type: "submit", className: "td-button td-button-main", dataset: { action: "use" } }, t.use)
  const form = made("form", { className: "td-first-form", dataset: { server: address } },
    made("div", { className: "td-card-title" }, name || t.known, address ? made("span", { className: "td-muted" }, address) : null),
    field(t.draft, "", draft), models.length > 1 ? field(t.refine, "", refine) : null, made("div", {}, use), result)
  form.addEventListener("submit", (event) => {
    event.preventDefault()
    use.disabled = true
    put(result, t.working)
    card.chosen = { use, result }
    ask("use_model", { address, key_variable: variable, model: draft.value, refine: refine.value })
  })
  return form
}

const way = (key, ...inside) => {
  const t = texts()
  return made("section", { className: "td-way", dataset: { way: key } },
    made("h3", {}, t[`${key}_title`]), made("p", { className: "td-muted" }, t[`${key}_text`]), ...inside)
}

const detect = () => {
  const t = texts()
  const result = said()
  const look = button(t.detect, "detect", () => {
    look.disabled = true
    put(result, t.looking)
    ask("detect")
  })
  card.detected = { look, result }
  return way("detect", made("div", {}, look), result)
}

const endpoint = () => {
  const t = texts()
  const result = said()
  const address = made("input", { className: "td-input", name: "address", autocomplete: "off", spellcheck: false, required: true, maxLength: 300, placeholder: "http://models.example.org:8000/v1" })
  const variable = made("input", { className: "td-input", name: "key_variable", autocomplete: "off", spellcheck: false, maxLength: 80, placeholder: "MODELS_API_KEY" })
  const go = made("button", { type: "submit", className: "td-button td-button-line", dataset: { action: "try" } }, t.try)
  const form = made("form", { className: "td-first-form" }, field(t.address, "", address), field(t.key_variable, t.key_hint, variable), made("div", {}, go))
  form.addEventListener("submit", (event) => {
    event.preventDefault()
    go.disabled = true
    put(result, t.trying)
    card.tried = { go, result, variable: variable.value.trim() }
    ask("try_endpoint", { address: address.value, key_variable: variable.value })
  })
  return made("details", { className: "td-way", dataset: { way: "endpoint" } },
    made("summary", {}, made("h3", {}, t.endpoint_title), made("span", { className: "td-muted" }, t.endpoint_text)), form, result)
}

const model = (one, free) => {
  const t = texts()
  const going = one.progress
  const facts = [one.size_mb ? size(one.size_mb) : "", one.licence ? `${t.licence}: ${one.licence}` : ""].filter(Boolean).join(" · ")
  const space = one.size_mb && one.ask === "download" ? filled(t.space, { size: size(one.size_mb), free: size(free) }) : ""
  const act = (action) => (event) => {
    event.currentTarget.disabled = true
    ask(action, { name: one.alias })
  }
  const bar = () => {
    const meter = made("div", { className: "td-meter td-meter-wide" }, made("i"))
    meter.firstChild.style.width = `${going.percent}%`
    const told = [percent(going.percent), going.mb_per_s ? `${digits(going.mb_per_s, 1)} MB/s` : "",
      going.remaining_s !== null ? `${t.left}: ${duration(going.remaining_s)}` : ""].filter(Boolean).join(" · ")
    return made("div", { role: "status" }, meter, made("div", { className: "td-path" }, told))
  }
  const here = one.state === "ready" || one.state === "cached"
  return made("div", { className: "td-card", dataset: { modelRow: one.alias, modelState: one.state } },
    made("div", { className: "td-source-name" }, one.alias), made("div", { className: "td-path" }, facts),
    one.note ? made("div", { className: "td-path" }, one.note) : null, space ? made("div", { className: "td-path" }, space) : null,
    going ? bar() : null, one.problem ? wrong(one.problem) : null,
    here ? made("div", { role: "status" }, filled(t.used, { model: one.alias })) : null,
    one.ask === "download" || one.ask === "cancel" ? button(t[one.ask], one.ask, act(one.ask)) : null)
}

const downloads = (models) => {
  const rows = models.filter((one) => card.offered.includes(one.alias))
  const focused = document.activeElement && document.activeElement.dataset.action
  const within = card.downloads.contains(document.activeElement)
  put(card.downloads, ...(rows.length ? rows.map((one) => model(one, card.free)) : [made("p", { className: "td-muted" }, texts().no_download)]))
  if (within && focused) card.downloads.querySelector("button")?.focus()
}

const drawn = ({ ways, offered, models, free_mb }) => {
  const t = texts()
  card = { offered, free: free_mb, downloads: made("div", { className: "td-way-models" }) }
  const title = ways ? "card" : "missing"
  const root = made("div", { className: "td-first-card", role: "group", dataset: { testid: "offer" }, aria: { labelledby: "td-first-title" } },
    made("h2", { id: "td-first-title" }, t[`${title}_title`]), made("p", { className: "td-muted" }, t[`${title}_text`]))
  if (ways) root.append(detect(), endpoint(), way("download", card.downloads))
  else root.append(card.downloads)
  root.append(button(t.not_now, "dismiss", () => ask("dismiss")))
  card.root = root
  downloads(models)
}

// The first page is drawn by Chainlit, anew for every conversation.
export const settle = () => {
  const page = document.getElementById("welcome-screen")
  if (!page || !library || !texts()) return
  if (place && place.parentNode === page) return
  place = made("div", { id: "td-first" })
  redraw()
  page.append(place)
}
const redraw = () => {
  if (place) put(place, ...[library.documents === undefined ? null : libraryLine(library), card && card.root].filter(Boolean))
}

window.addEventListener("tandem-words", () => { if (library) redraw() })

const heard = {
  first: (news) => {
    if (news.library) {
      library = news.library
      card = null
    }
    if (news.card) drawn(news.card)
    else if (news.card === null) card = null
    redraw()
    settle()
  },
  renewed: (news) => {
    library = news.library
    redraw()
  },
  detected: ({ found }) => {
    if (!card || !card.detected) return
    card.detected.look.disabled = false
    put(card.detected.result, ...(found.length ? found.map((one) => chooser(one, "")) : [texts().detected_nothing]))
  },
  tried: ({ found, problem }) => {
    if (!card || !card.tried) return
    const { go, result, variable } = card.tried
    go.disabled = false
    put(result, problem ? wrong(problem) : chooser(found, variable))
  },
  chosen: ({ model: name, problem }) => {
    if (!card || !card.chosen) return
    const { use, result } = card.chosen
    use.disabled = false
    const trouble = problem ? [wrong(problem)] : []
    put(result, ...trouble)
    if (!name) return
    const done = made("p", { className: "td-first-done", role: "status", dataset: { chosen: name } }, filled(texts().used, { model: name }))
    put(card.root, done, ...trouble)
    const input = document.getElementById("chat-input")
    if (document.activeElement === document.body && input) input.focus()
  },
  models: ({ models }) => { if (card) downloads(models) }
}

// Whether this is for the first page.
export const hear = (news) => {
  const done = heard[news.tandem]
  if (!done) return false
  if (texts()) done(news)
  return true
}
