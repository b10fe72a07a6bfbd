// What somebody types while the page is still being put together stays. Chainlit draws its field, takes it away once it
// knows who is there, and draws it anew, empty, once it has read its settings: over a slow line, a second later and more.
// Knows Chainlit's field. Does not know what becomes of a question.

const value = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value")
let field = null

// Once the conversation has begun, an empty field is meant: a question was asked, or another conversation opened.
const taken = () => field !== null && !field.isConnected && !window.tandemWords

export const keep = () => {
  const now = document.getElementById("chat-input")
  if (!now || now === field) return
  const typed = taken() && !now.value ? field.value : ""
  field = now
  if (!typed) return
  value.set.call(now, typed)
  now.dispatchEvent(new Event("input", { bubbles: true }))
  if (document.activeElement === document.body) now.focus()
  now.setSelectionRange(typed.length, typed.length)
}

document.addEventListener("keydown", (event) => {
  if (!taken() || document.activeElement !== document.body || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === "Backspace") field.value = field.value.slice(0, -1)
  else if ([...event.key].length === 1) field.value += event.key
  else return
  event.preventDefault()
  event.stopImmediatePropagation()
}, true)
