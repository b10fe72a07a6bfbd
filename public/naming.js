// Names and roles for what Chainlit draws without them, in the person's language: buttons that are only a picture,
// sliders, regions. Knows Chainlit's ids and classes. Does not know where the words come from: see tandem.js.

const BUTTONS = {
  "#sidebar-trigger-button": "toggle_sidebar",
  "#search-chats-button": "search_conversations",
  "#new-chat-button": "new_conversation",
  "#upload-button": "attach",
  "#chat-settings-open-modal, #chat-settings-header-button": "settings",
  "#chat-submit": "send",
  "#stop-button": "stop",
  ".positive-feedback-off, .positive-feedback-on": "helpful",
  ".negative-feedback-off, .negative-feedback-on": "not_helpful",
  ".edit-message": "edit_question",
  "#user-nav-button": "account",
  "#thread-options": "conversation_options",
  "#side-view-title button": "close",
  "#chat-input, #edit-chat-input": "question",
  "input#password + button": "show_password",
  "button:has(> .lucide-arrow-down)": "scroll_down",
  "button:has(> .lucide-copy):not(.td-button)": "copy",
  "#attachments button": "remove",
  "[id^=mode-picker-popover]": "mode",
  "[data-sidebar=sidebar]": "conversations",
  "aside": "panel",
  "[data-resize-handle]": "resize"
}
const SAID = "[role=status].td-live"

const set = (element, attribute, value) => {
  if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value)
}

// The first heading and the place from which screen readers are told of what happened; outside of what React draws.
const frame = (words) => {
  let head = document.getElementById("td-head")
  if (!head) {
    head = document.createElement("header")
    head.id = "td-head"
    head.innerHTML = '<h1 class="td-hidden"></h1><a class="td-skip" href="#chat-input"></a><div class="td-hidden td-live" role="status" aria-live="polite"></div>'
    head.querySelector("a").addEventListener("click", (event) => {
      event.preventDefault()
      const input = document.getElementById("chat-input") || document.getElementById("email")
      if (input) input.focus()
    })
    document.body.prepend(head)
  }
  const [title, skip] = [head.querySelector("h1"), head.querySelector("a")]
  if (title.textContent !== words.app) title.textContent = words.app
  if (skip.textContent !== words.skip) skip.textContent = words.skip
  // The sign-in page has neither.
  skip.hidden = !document.getElementById("chat-input")
  const root = document.getElementById("root")
  if (root && !root.querySelector("main")) set(root, "role", "main")
  else if (root) root.removeAttribute("role")
}

export const name = (words) => {
  frame(words)
  for (const [where, key] of Object.entries(BUTTONS)) {
    for (const element of document.querySelectorAll(where)) set(element, "aria-label", words[key])
  }
  for (const button of document.querySelectorAll("[class*=-feedback-o]")) {
    set(button, "aria-pressed", String(/-feedback-on/.test(button.className)))
  }
  for (const link of document.querySelectorAll('a[href^="#source-"]')) {
    set(link, "aria-label", words.source.replace("{n}", link.getAttribute("href").slice("#source-".length)))
  }
  for (const button of document.querySelectorAll("#thread-options")) {
    set(button, "role", "button")
    set(button, "tabindex", "0")
  }
  for (const slider of document.querySelectorAll("[role=slider]")) {
    const label = slider.closest("[id]") && document.querySelector(`label[for="${CSS.escape(slider.closest("[id]").id)}"]`)
    if (label) set(slider, "aria-label", [...label.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data).join("").trim())
  }
  for (const list of document.querySelectorAll("ul[data-sidebar=menu]:has(> div)")) set(list, "role", "presentation")
  for (const bar of document.querySelectorAll("[data-sidebar=sidebar]:not([data-mobile])")) set(bar, "role", "navigation")
  for (const button of document.querySelectorAll("#upload-button[role]")) button.removeAttribute("role")
  // The panel on a phone: its heading has an id of its own, by which it is not named.
  for (const sheet of document.querySelectorAll("[role=dialog]:has(> * > #side-view-title)")) set(sheet, "aria-labelledby", "side-view-title")
  for (const handle of document.querySelectorAll("[data-resize-handle][aria-controls]")) handle.removeAttribute("aria-controls")
}

// Screen readers hear of an answer once it is whole; word by word nobody could follow.
const TOLD = 1500
let writing = false
let before = null // how many answers were whole when the next one began

const whole = () => document.querySelectorAll("[data-testid=tandem-answer]:not([data-state=running])").length

window.addEventListener("tandem-answering", () => { before = whole() })

// One that is written in no time shows no Stop button that could be seen to go.
export const follow = (words) => {
  const now = document.getElementById("stop-button") !== null
  const ended = !now && (writing || (before !== null && whole() > before))
  writing = now
  if (!ended) return
  before = null
  if (words) setTimeout(() => tell(words), 300)
}

const tell = (words) => {
  const place = document.querySelector(SAID)
  const answer = [...document.querySelectorAll(".ai-message")].pop()
  if (!place || !answer) return
  const text = (where) => [...answer.querySelectorAll(where)].map((part) => part.innerText.trim()).join(" ")
  const told = `${words.answered} ${text(".td-note-error")} ${text(".message-content")}`.replace(/\s+/g, " ")
  place.textContent = told.length > TOLD ? `${told.slice(0, TOLD).replace(/\s\S*$/, "")}…` : told
}

// What a menu hides from screen readers is out of the keyboard's reach too.
new MutationObserver((changes) => {
  for (const { target } of changes) target.inert = target.hasAttribute("data-aria-hidden")
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-aria-hidden"] })
