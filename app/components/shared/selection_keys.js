// Keys of the bars of actions of a page: they press what a mouse would press, so that each has one meaning. Capital
// letters need Shift: pages and the map use the small ones. Each bar leaves a mark, so that all know whose turn it is.
const marks = () => [...document.querySelectorAll("[data-selection-bar]")].map((mark) => mark.dataset)
const part = (bar, name) => document.querySelector(`[class*='st-key-${bar}_${name}']`)
const holdsFocus = (bar) => Boolean(document.activeElement?.closest(`.st-key-${bar}_bar`))

// The bar that a key is meant for: of those that have this part the one with the focus, else the one whose selection
// changed last, else the first on the page.
function barFor(name) {
  const able = marks().filter((mark) => part(mark.selectionBar, name))
  const focused = able.find((mark) => holdsFocus(mark.selectionBar))
  const last = able.reduce((one, other) => (Number(other.changed) > Number(one.changed) ? other : one), able[0])
  return (focused ?? last)?.selectionBar
}

class SelectionKeys {
  constructor(mark) {
    this.mark = mark
    this.off = new AbortController()
    document.addEventListener("keydown", (event) => this.onKey(event), { signal: this.off.signal })
  }

  show(data) {
    this.data = data
    Object.assign(this.mark.dataset, { selectionBar: data.bar, changed: data.changed })
  }

  destroy() {
    this.off.abort()
    delete this.mark.dataset.selectionBar
  }

  press(name) {
    part(this.data.bar, name).querySelector("button:not(:disabled)")?.click()
  }

  enter(name) {
    const field = part(this.data.bar, name).querySelector("[role=combobox], input")
    field?.focus()
    return Boolean(field)
  }

  onKey(event) {
    if (event.defaultPrevented || dialogIsOpen() || isTyped(event)) return
    const way = wayBack(event)
    const plain = !isCommand(event) && !event.altKey && (event.shiftKey || !/[A-Z]/.test(event.key)) // no Caps Lock
    const name = way ?? (plain ? this.data.keys[event.key] : undefined)
    if (!name || barFor(name) !== this.data.bar) return
    if (way || !this.enter(name)) this.press(name)
    event.preventDefault()
  }
}

const mounted = new WeakMap()

export default function ({ parentElement, data }) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, new SelectionKeys(parentElement))
  mounted.get(parentElement).show(data)
  return () => {
    mounted.get(parentElement)?.destroy()
    mounted.delete(parentElement)
  }
}
