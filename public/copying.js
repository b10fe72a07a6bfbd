// Text for the clipboard, for whatever copies: the elements that Chainlit runs can import nothing. Knows that browsers
// have no clipboard on pages that come without TLS from another machine.

window.tandemCopy = async (text) => {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text)
    return
  }
  const area = document.createElement("textarea")
  area.value = text
  area.style.position = "fixed"
  area.style.opacity = "0"
  document.body.append(area)
  area.select()
  document.execCommand("copy")
  area.remove()
}
