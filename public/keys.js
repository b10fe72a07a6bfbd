// The keyboard: shortcuts and their list, and a focus that is never lost. Knows keys and where the focus was. Does not
// know what an answer is.

const SINGLE = "tandem-single-keys"
const EDITABLE = "input, textarea, select, [contenteditable=true]"

const single = () => {
  try { return window.localStorage.getItem(SINGLE) !== "off" } catch { return true }
}
const remember = (on) => {
  try { window.localStorage.setItem(SINGLE, on ? "on" : "off") } catch { /* private windows may refuse */ }
}

const rows = (words) => [
  [["?", "Ctrl + /"], words.keys_list],
  [["/"], words.keys_question],
  [["Enter"], words.keys_send],
  [["Shift + Enter"], words.keys_line],
  [["Ctrl + Shift + O"], words.new_conversation],
  [["Ctrl + K"], words.search_conversations],
  [["Ctrl + B"], words.toggle_sidebar],
  [["Esc"], words.stop],
  [["Enter"], words.keys_source],
  [["Esc"], words.keys_back]
]

const list = (words) => {
  document.getElementById("td-keys")?.remove()
  const dialog = document.createElement("dialog")
  dialog.id = "td-keys"
  dialog.setAttribute("aria-labelledby", "td-keys-title")
  const title = document.createElement("h2")
  title.id = "td-keys-title"
  title.textContent = words.keys_title
  const table = document.createElement("dl")
  for (const [keys, what] of rows(words)) {
    const row = document.createElement("div")
    const meaning = document.createElement("dt")
    const names = document.createElement("dd")
    meaning.textContent = what
    for (const key of keys) names.append(Object.assign(document.createElement("kbd"), { textContent: key }))
    row.append(meaning, names)
    table.append(row)
  }
  const choice = document.createElement("label")
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: single() })
  box.addEventListener("change", () => remember(box.checked))
  choice.append(box, words.keys_single)
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: words.close, className: "td-button td-button-line" })
  close.addEventListener("click", () => dialog.close())
  const before = document.activeElement
  dialog.addEventListener("close", () => {
    dialog.remove()
    if (before && before.isConnected) before.focus()
  })
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close() })
  dialog.append(title, table, choice, close)
  document.body.append(dialog)
  dialog.showModal()
  close.focus()
}

const busy = () => document.querySelector("[role=dialog][data-state=open], [role=alertdialog], dialog[open]")

export const listen = (words) => {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || !words()) return
    if (event.key === "/" && (event.ctrlKey || event.metaKey) && !busy()) {
      event.preventDefault()
      list(words())
      return
    }
    if (event.key === "Enter" && event.target.matches("[role=dialog] input#name")) {
      // The new name of a conversation: its dialog is no form.
      event.preventDefault()
      ;[...event.target.closest("[role=dialog]").querySelectorAll("button[type=button]")].find((one, place) => place === 1)?.click()
      return
    }
    if (event.target.id === "edit-chat-input" && (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey))) {
      // A question that is changed is sent as it was, and left as it was, by the same keys.
      event.preventDefault()
      const send = event.target.closest("[data-step-type]")?.querySelector(".confirm-edit")
      ;(event.key === "Enter" ? send : send?.previousElementSibling)?.click()
      return
    }
    if (event.key === "Escape" && !busy() && document.activeElement.closest("#side-view-content, #side-view-title")) {
      origin()?.focus()
      return
    }
    if (event.key === "Escape" && !busy() && document.getElementById("stop-button")) {
      event.preventDefault()
      document.getElementById("stop-button").click()
      return
    }
    if (event.key.toLowerCase() === "o" && event.shiftKey && (event.ctrlKey || event.metaKey) && !event.altKey && !busy()) {
      event.preventDefault()
      document.getElementById("new-chat-button")?.click()
      return
    }
    if (event.ctrlKey || event.metaKey || event.altKey || busy() || !single() || event.target.closest(EDITABLE)) return
    if (event.key === "?") {
      event.preventDefault()
      list(words())
    } else if (event.key === "/") {
      event.preventDefault()
      document.getElementById("chat-input")?.focus()
    }
  })
}

// A phone's keyboard has no Shift + Enter: there, Enter begins a line, and the button sends.
const ON_A_PHONE = window.matchMedia("(pointer: coarse) and (max-width: 767px)")
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && ON_A_PHONE.matches && event.target.matches("#chat-input, #edit-chat-input")) event.stopPropagation()
}, true)

// Where one was before going into the side panel, and the last place of all. An answer that is drawn anew has other
// links in the same places.
let opener = null
let last = null
document.addEventListener("focusin", ({ target }) => {
  last = target
  if (target === document.body || target.closest("#side-view-content, #side-view-title, [role=dialog]")) return
  const answer = target.closest(".ai-message")
  const alike = target.hasAttribute("href") ? `a[href="${CSS.escape(target.getAttribute("href"))}"]` : ""
  opener = { target, answer, alike, place: answer && alike ? [...answer.querySelectorAll(alike)].indexOf(target) : -1 }
})

const origin = () => {
  if (!opener) return null
  if (opener.target.isConnected && !opener.target.disabled) return opener.target
  return (opener.place >= 0 && opener.answer.isConnected && opener.answer.querySelectorAll(opener.alike)[opener.place]) || null
}

// What had the focus is gone or may not be used any more: the focus goes to where one came from, else to the question.
export const rescue = () => {
  if (document.activeElement !== document.body || !last || busy()) return
  if (last.isConnected && !last.disabled) return
  if (window.matchMedia("(pointer: coarse)").matches) return
  const back = origin() || document.getElementById("chat-input")
  last = null
  if (back) back.focus({ preventScroll: back.id === "chat-input" })
}
