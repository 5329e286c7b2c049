// Ticks on images of a gallery: one, or with Shift all from the last one on. A button answers to Space and Enter itself.
export default function ({ setTriggerValue }) {
  let last = null
  const onClick = (event) => {
    const tick = event.target.closest?.("[data-tick]")
    if (!tick) return
    event.preventDefault()
    const all = [...document.querySelectorAll("[data-tick]")]
    const from = all.findIndex((other) => other.dataset.tick === last), to = all.indexOf(tick)
    const range = event.shiftKey && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [tick]
    last = tick.dataset.tick
    const excluded = tick.getAttribute("aria-checked") !== "true"
    for (const one of range) one.setAttribute("aria-checked", String(excluded))
    setTriggerValue("ticked", { images: range.map((one) => one.dataset.tick), excluded })
  }
  document.addEventListener("click", onClick)
  return () => document.removeEventListener("click", onClick)
}
