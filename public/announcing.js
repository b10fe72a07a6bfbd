// What administrators tell everybody: plain text above the conversation, until it is closed or over. See
// tandem/people/announcements.py. What somebody has closed stays closed in that browser.
const KEPT = "tandem-announcements-closed"

const closed = () => {
  try { return JSON.parse(window.localStorage.getItem(KEPT)) || [] } catch { return [] }
}
const close = (id) => {
  try { window.localStorage.setItem(KEPT, JSON.stringify([...closed(), id].slice(-50))) } catch { /* private windows may refuse */ }
}

export const announce = (standing, words) => {
  const known = closed()
  const shown = standing.filter((one) => !known.includes(one.id))
  let place = document.getElementById("td-announcements")
  if (!place) {
    if (!shown.length) return
    place = document.createElement("div")
    place.id = "td-announcements"
    place.setAttribute("role", "status")
    document.body.append(place)
  }
  place.setAttribute("aria-label", words.announcements)
  place.replaceChildren(...shown.map((one) => {
    const line = document.createElement("div")
    const text = document.createElement("p")
    text.dir = "auto"
    text.textContent = one.text
    const button = document.createElement("button")
    button.type = "button"
    button.textContent = "×"
    button.title = words.close
    button.setAttribute("aria-label", words.close)
    button.addEventListener("click", () => {
      close(one.id)
      line.remove()
    })
    line.append(text, button)
    return line
  }))
}
