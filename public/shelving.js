// Conversations pinned and archived from their menu in the list, and the way to the page of all of them
// (tandem/conversations). Knows Chainlit's menu, which tandem/ui/page_script.py hands over, and the addresses of that
// page. Does not know how conversations are kept.

const HERE = "/conversations"
const NOTE_MS = 8000

const words = () => window.tandemWords && window.tandemWords.page

const send = async (thread, deed) => {
  try {
    const headers = { accept: "application/json", "content-type": "application/x-www-form-urlencoded" }
    const reply = await fetch(`${HERE}/${thread.id}/${deed}`, { method: "POST", headers, body: "" })
    return reply.status === 204
  } catch {
    return false
  }
}

// A sentence at the foot of the page for a while, perhaps with a way back.
const note = (text, undo) => {
  document.querySelector(".td-shelved")?.remove()
  const said = Object.assign(document.createElement("div"), { className: "td-shelved", textContent: text })
  said.setAttribute("role", "status")
  if (undo) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "td-button td-button-line", textContent: words().undo })
    button.addEventListener("click", () => { said.remove(); undo() })
    said.append(button)
  }
  document.body.append(said)
  setTimeout(() => said.remove(), NOTE_MS)
}

const listed = (change, threads) => change((before) => ({ ...before, threads: threads((before && before.threads) || []) }))

const pin = async (thread, change, pinned) => {
  if (!(await send(thread, pinned ? "pin" : "unpin"))) return note(words().not_done)
  listed(change, (threads) => threads.map((one) => (one.id === thread.id ? { ...one, metadata: { ...one.metadata, pinned } } : one)))
}

const archive = async (thread, change) => {
  if (!(await send(thread, "archive"))) return note(words().not_done)
  const unpinned = { ...thread, metadata: { ...thread.metadata, pinned: false } }
  listed(change, (threads) => threads.filter((one) => one.id !== thread.id))
  note(words().archived, async () => {
    if (!(await send(thread, "restore"))) return note(words().not_done)
    listed(change, (threads) => [unpinned, ...threads.filter((one) => one.id !== thread.id)])
  })
}

// The items between "Rename" and "Delete".
window.tandemShelf = (jsx, Item, thread, change) => {
  if (!thread || !words()) return []
  const pinned = !!(thread.metadata && thread.metadata.pinned)
  const item = (id, text, act) => jsx.jsx(Item, { id, onClick: (event) => { event.stopPropagation(); act() }, children: text }, id)
  return [
    item("pin-thread", pinned ? words().unpin : words().pin, () => pin(thread, change, !pinned)),
    item("archive-thread", words().archive, () => archive(thread, change)),
    item("more-thread", words().tags_and_export, () => window.location.assign(`${HERE}/${thread.id}`))
  ]
}

// What the list is called where Chainlit groups it by days.
window.tandemPinned = () => (words() ? words().pinned : "Pinned")

// Under the list, the way to all of them; outside of what React draws.
export const lead = (said) => {
  for (const content of document.querySelectorAll("[data-sidebar=content]")) {
    let link = content.parentElement.querySelector(".td-all")
    if (!link) {
      link = Object.assign(document.createElement("a"), { className: "td-all", href: HERE })
      content.parentElement.append(link)
    }
    if (link.textContent !== said.all_conversations) link.textContent = said.all_conversations
  }
}
