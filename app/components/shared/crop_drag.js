// Crops dragged onto a category: a card, an entry of the map's legend, or the strip of categories that is there during a
// drag. The browser's own dragging: it scrolls at the edges, and Escape cancels it.
const CARD = /(?:^|\s)st-key-(?:card|pair)_(\d+)(?:\s|$)/
const SIZE = 72 // pixels of the crop under the pointer

const targetOf = (node) => node.dataset?.drop ?? CARD.exec(node.getAttribute?.("class") ?? "")?.[1]

class CropDrag {
  constructor() {
    this.crop = this.over = null
    this.off = new AbortController()
    const { signal } = this.off
    for (const [kind, act] of [["dragstart", this.begin], ["dragover", this.move], ["drop", this.drop], ["dragend", this.end]]) {
      document.addEventListener(kind, (event) => act.call(this, event), { signal })
    }
    // A page drawn anew may have taken the dragged crop away: then its end is not heard, but the mouse moves again.
    document.addEventListener("mousemove", () => this.crop && this.end(), { signal })
  }

  destroy() {
    this.end()
    this.off.abort()
  }

  // Whether the proposal of a row is selected: a bit a row, the first row in the highest bit of the first byte.
  isSelected(row) {
    if (this.bits !== this.data.bits) Object.assign(this, { bits: this.data.bits, bytes: atob(this.data.bits) })
    return ((this.bytes.charCodeAt(row >> 3) || 0) & (128 >> (row & 7))) > 0
  }

  begin(event) {
    const crop = event.target.closest?.("[data-proposal][data-row]")
    if (!crop || event.comusTaken) return
    event.comusTaken = true // of several bars of a page the first acts
    this.whole = this.isSelected(Number(crop.dataset.row))
    this.crop = crop
    this.own = this.whole ? null : this.place(crop)?.to
    const one = Number(crop.dataset.row) < this.data.proposals ? "1 proposal" : "1 drawn object"
    const words = this.whole ? this.data.words : one
    event.dataTransfer.effectAllowed = "linkMove" // onto a tab it is still the link that it was
    const ghost = this.ghost(crop, this.whole ? this.data.count : 1)
    event.dataTransfer.setDragImage(ghost, SIZE / 2, SIZE / 2)
    // What a page changes while a drag begins ends it in Chromium.
    setTimeout(() => { ghost.remove(); if (this.crop === crop) this.showStrip(words) }, 0)
  }

  ghost(crop, count) {
    const ghost = Object.assign(document.createElement("div"), { className: "comus-drag-ghost" })
    const image = crop.querySelector("img")?.cloneNode()
    if (image) ghost.append(Object.assign(image, { width: SIZE, height: SIZE, loading: "eager" }))
    if (count > 1) ghost.append(Object.assign(document.createElement("b"), { textContent: count.toLocaleString("en") }))
    document.body.append(ghost)
    return ghost
  }

  showStrip(words) {
    const strip = Object.assign(document.createElement("div"), { className: "comus-drop-strip" })
    const said = Object.assign(document.createElement("p"), { textContent: `Move ${words} to a category; Esc cancels.` })
    said.setAttribute("role", "status")
    const list = document.createElement("ul")
    list.append(...this.data.strip.map(([category, name, colour]) => {
      const entry = Object.assign(document.createElement("li"), { title: name })
      entry.dataset.drop = category
      const dot = document.createElement("i")
      dot.style.background = colour
      entry.append(dot, name)
      return entry
    }))
    strip.append(said, list)
    const around = (this.crop.closest("[class*='st-key-']") ?? this.crop).getBoundingClientRect() // the legend stays free
    const width = Math.min(Math.max(around.width, 320), innerWidth - 16)
    Object.assign(strip.style, { width: `${width}px`, left: `${Math.min(Math.max(around.left, 8), innerWidth - width - 8)}px` })
    document.body.append(strip)
    document.documentElement.toggleAttribute("data-comus-dragging", true)
    this.strip = strip
  }

  place(node) {
    for (let element = node; element; element = element.parentElement) {
      const to = targetOf(element)
      if (to !== undefined) return { element, to }
    }
    return null
  }

  // The nearest target that the pointer is on, through the map's shadow root too; not where the crop already is.
  targetUnder(event) {
    for (const element of event.composedPath()) {
      const to = targetOf(element)
      if (to !== undefined) return to === this.own ? null : { element, to }
    }
    return null
  }

  mark(element) {
    if (element === this.over) return
    this.over?.removeAttribute("data-drop-over")
    element?.setAttribute("data-drop-over", "")
    this.over = element
  }

  move(event) {
    if (!this.crop) return
    const target = this.targetUnder(event)
    this.mark(target?.element ?? null)
    if (!target) return
    event.preventDefault()
    event.dataTransfer.dropEffect = "move"
  }

  drop(event) {
    if (!this.crop) return
    const target = this.targetUnder(event), proposal = this.crop.dataset.proposal, whole = this.whole
    if (target) {
      event.preventDefault()
      this.send("dropped", { proposal, whole, to: Number(target.to) })
    }
    this.end()
  }

  end() {
    this.mark(null)
    this.strip?.remove()
    document.documentElement.toggleAttribute("data-comus-dragging", false)
    Object.assign(this, { crop: null, strip: null })
  }
}

const mounted = new WeakMap()

export default function ({ parentElement, data, setTriggerValue }) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, new CropDrag())
  Object.assign(mounted.get(parentElement), { data, send: setTriggerValue })
  return () => {
    mounted.get(parentElement)?.destroy()
    mounted.delete(parentElement)
  }
}
