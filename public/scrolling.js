// The button that leads to the end of a conversation is there only where something is below what one sees. Knows
// Chainlit's, which counts the empty space under the last answer, and looks only while one scrolls.

const HARDLY = 24

export const below = () => {
  const place = document.querySelector("button > .lucide-arrow-down")?.closest("div.absolute")
  const box = place && place.previousElementSibling
  if (!box) return
  const last = [...box.querySelectorAll(".ai-message, [data-step-type]")].pop()
  const nothing = !last || last.getBoundingClientRect().bottom <= box.getBoundingClientRect().bottom + HARDLY
  place.classList.toggle("td-nothing-below", nothing)
}

document.addEventListener("scroll", below, { capture: true, passive: true })
window.addEventListener("resize", below)
