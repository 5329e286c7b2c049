// Keys of a bar of actions: they press what a mouse would press, so that each has one meaning. Capital letters need
// Shift: pages and the map use the small ones.
export default function ({ data }) {
  const { bar, keys } = data
  const part = (name) => document.querySelector(`[class*='st-key-${bar}_${name}']`)
  const press = (name) => part(name)?.querySelector("button:not(:disabled)")?.click()
  const enter = (name) => {
    const field = part(name)?.querySelector("[role=combobox], input")
    field?.focus()
    return Boolean(field)
  }
  const onKey = (event) => {
    if (event.defaultPrevented || dialogIsOpen() || isTyped(event)) return
    const way = wayBack(event)
    if (way && part(way)) press(way)
    else if (isCommand(event) || event.altKey || (/[A-Z]/.test(event.key) && !event.shiftKey)) return // Caps Lock is not meant
    else if (keys[event.key] && part(keys[event.key])) {
      if (!enter(keys[event.key])) press(keys[event.key])
    } else return
    event.preventDefault()
  }
  document.addEventListener("keydown", onKey)
  return () => document.removeEventListener("keydown", onKey)
}
