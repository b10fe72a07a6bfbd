// A card at a citation under the pointer: the passage that it names, its page, and the way to the document. Knows the
// sources that public/elements/TandemAnswer.jsx keeps for each answer. Text is put in as text.

const LONGEST = 320
const PAUSE_MS = 180
const CITATION = '.message-content a[href^="#source-"]'
let card = null
let timer = 0

const gone = () => {
  if (timer) clearTimeout(timer)
  timer = 0
  if (card) card.remove()
  card = null
}

const made = (tag, className, text) => Object.assign(document.createElement(tag), { className, textContent: text || "" })

// What is marked in the passage says it best; else how it begins.
const excerpt = (source) => {
  const marked = source.parts.filter((part) => part.mark).map((part) => part.text).join(" … ")
  const text = (marked || source.parts.map((part) => part.text).join("")).replace(/\s+/g, " ").trim()
  return text.length > LONGEST ? `${text.slice(0, LONGEST).replace(/\s\S*$/, "")}…` : text
}

const show = (link) => {
  gone()
  const answer = link.closest(".ai-message")?.querySelector("[data-testid=tandem-answer]")
  const words = window.tandemWords
  const sources = answer && window.tandemSources && window.tandemSources[answer.dataset.message]
  const source = sources && sources.find((one) => `#source-${one.n}` === link.getAttribute("href"))
  if (!source || !words) return
  link.removeAttribute("title")
  card = made("div", "td-peek")
  const page = source.page ? ` · ${words.answer.page} ${source.page}` : ""
  card.append(made("div", "td-peek-name", `${source.n}  ${source.document}${page}`))
  if (source.headings.length) card.append(made("div", "td-path", source.headings.join(" › ")))
  card.append(made("div", "td-peek-text", excerpt(source)))
  if (source.link) {
    const open = made("a", "td-link td-open", words.panel.open)
    open.href = `${source.link}${source.link.includes("?") ? "&" : "?"}lang=${words.language}#sentence`
    open.target = "_blank"
    open.rel = "noopener"
    card.append(open)
  }
  document.body.append(card)
  const at = link.getBoundingClientRect()
  const left = Math.max(8, Math.min(at.left - 24, window.innerWidth - card.offsetWidth - 8))
  const below = at.bottom + 6 + card.offsetHeight < window.innerHeight
  card.style.left = `${left}px`
  card.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - 6 - card.offsetHeight)}px`
}

document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "mouse") return
  const link = event.target.closest(CITATION)
  if (link) {
    clearTimeout(timer)
    timer = setTimeout(show, PAUSE_MS, link)
  } else if (card && event.target.closest(".td-peek")) {
    clearTimeout(timer)
  } else {
    clearTimeout(timer)
    if (card) timer = setTimeout(gone, PAUSE_MS)
  }
})
document.addEventListener("keydown", (event) => { if (event.key === "Escape") gone() })
document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".td-peek")) gone() })
document.addEventListener("scroll", gone, true)
