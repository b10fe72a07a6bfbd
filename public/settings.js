// What is amiss in the settings stands beside its field. Knows the ids of the fields and Chainlit's dialog. Does not know
// what may stand in a field: the server says so (tandem/ui/session.py).

const NOTE = "td-field-wrong"

export const amiss = ({ fields }) => {
  const dialog = document.getElementById("chat-settings")
  if (!dialog) return
  for (const old of dialog.querySelectorAll(`.${NOTE}`)) {
    if (!fields[old.dataset.field]) old.remove()
  }
  for (const input of dialog.querySelectorAll("[aria-invalid=true]")) {
    if (!fields[input.id]) input.removeAttribute("aria-invalid")
  }
  for (const [id, text] of Object.entries(fields)) {
    const input = dialog.querySelector(`input[id="${CSS.escape(id)}"], [id="${CSS.escape(id)}"]`)
    if (!input) continue
    input.setAttribute("aria-invalid", "true")
    let note = dialog.querySelector(`.${NOTE}[data-field="${CSS.escape(id)}"]`)
    if (!note) {
      note = Object.assign(document.createElement("div"), { className: `td-error ${NOTE}`, id: `td-wrong-${id}` })
      note.dataset.field = id
      note.setAttribute("role", "alert")
      input.after(note)
      input.setAttribute("aria-describedby", note.id)
    }
    if (note.textContent !== text) note.textContent = text
  }
}
