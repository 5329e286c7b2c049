const GAP = 8, AROUND = 2, SETTLE = 90, SEND = 160, SHAPE = 0.75, NARROWEST = 74
const SIZES = [160, 320, 640]
const DENSITY = "comus-grid-columns", MASKS = "comus-grid-masks", PLACE = "comus-grid-place:"

const stored = (area, name) => { try { return area()[name] ?? null } catch { return null } } // storage may be off
const store = (area, name, value) => { try { area()[name] = value } catch { /* then it is not remembered */ } }
const local = () => localStorage, session = () => sessionStorage

class ImageGrid {
  constructor(root) {
    this.root = root
    for (const name of ["scroller", "space", "density", "masks", "place"]) this[name] = root.querySelector(`.${name}`)
    this.pages = new Pages(() => this.draw(true), (fault) => this.fail(fault))
    this.picks = new Picks()
    Object.assign(this, { cells: new Map(), count: 0, list: "", about: "", received: null, sent: [] })
    this.density.value = stored(local, DENSITY) ?? this.density.value
    this.masks.checked = stored(local, MASKS) !== "no"
    this.listen()
  }

  listen() {
    this.density.oninput = () => { store(local, DENSITY, this.density.value); this.reshape() }
    this.masks.onchange = () => { store(local, MASKS, this.masks.checked ? "yes" : "no"); this.empty(); this.draw(true) }
    this.scroller.onscroll = () => this.onScroll()
    this.scroller.onkeydown = (event) => this.onKey(event)
    this.space.onclick = (event) => this.onClick(event)
    this.space.ondblclick = (event) => { const place = this.placeOf(event); if (place >= 0) this.open(place) }
    new ResizeObserver(() => this.reshape()).observe(this.scroller)
  }

  show(data, send) {
    this.send = send
    this.scroller.setAttribute("aria-label", data.label)
    if (data.listUrl !== this.list) {
      const other = data.about !== this.about
      if (other && this.about) this.remember()
      Object.assign(this, { list: data.listUrl, about: data.about, count: data.count, received: null, sent: [] })
      this.pages.open(new URL(data.listUrl, document.baseURI).href)
      this.imageUrl = data.imageUrl
      this.empty()
      this.reshape()
      if (other) this.recall()
      this.picks.move(Math.min(this.picks.current, Math.max(this.count - 1, 0)))
    }
    this.hear(data.picked)
    this.draw(true)
  }

  // The page owns the selection, but its answer comes late: an echo of what is not the last sent is no news.
  hear(picked) {
    if (picked === this.received) return
    this.received = picked
    const echo = this.sent.indexOf(picked)
    if (echo >= 0) { this.sent = this.sent.slice(echo + 1); return }
    this.sent = []
    this.picks.read(picked)
  }

  say() {
    clearTimeout(this.saying)
    this.saying = setTimeout(() => this.sayNow(), SEND)
  }

  sayNow() {
    clearTimeout(this.saying)
    this.saying = null
    const ranges = this.picks.write()
    if (ranges === (this.sent.at(-1) ?? this.received)) return
    this.sent.push(ranges)
    this.send("picked", { ranges, list: this.list })
  }

  open(place) {
    if (this.saying) this.sayNow()
    this.remember()
    this.send("opened", { place, list: this.list })
  }

  get columns() {
    return Math.max(1, Math.min(Number(this.density.value), Math.floor(this.width / NARROWEST) || 1))
  }

  reshape() {
    const top = this.scroller.scrollTop, first = this.step ? Math.round(top / this.step) * this.across : 0
    this.width = this.scroller.clientWidth - 2 * GAP
    this.across = this.columns
    this.cellWidth = Math.floor((this.width - GAP * (this.across - 1)) / this.across)
    this.cellHeight = Math.round(this.cellWidth * SHAPE)
    this.step = this.cellHeight + GAP
    this.root.querySelector("output").value = String(this.across)
    this.space.style.height = `${Math.ceil(this.count / this.across) * this.step + GAP}px`
    this.scroller.scrollTop = Math.floor(first / this.across) * this.step
    this.empty()
    this.draw(true)
  }

  empty() {
    for (const cell of this.cells.values()) this.drop(cell)
    this.cells.clear()
  }

  drop(cell) {
    cell.querySelector("img")?.removeAttribute("src") // an image that nobody sees is not fetched on
    cell.remove()
  }

  drawSoon() {
    clearTimeout(this.drawing)
    this.drawing = setTimeout(() => { this.draw(true); this.remember() }, SETTLE)
  }

  onScroll() {
    const top = this.scroller.scrollTop, slow = Math.abs(top - (this.seen ?? top)) < this.scroller.clientHeight / 2
    this.seen = top
    this.draw(slow)
    this.drawSoon()
  }

  // While it scrolls fast (`settled` false) the cells follow and nothing is requested.
  draw(settled) {
    if (!(this.width > 0)) return
    const top = Math.floor(this.scroller.scrollTop / this.step), rows = Math.ceil(this.scroller.clientHeight / this.step) + 1
    const first = Math.max(0, top - AROUND) * this.across
    const last = Math.min(this.count, (top + rows + AROUND) * this.across) - 1
    for (const [place, cell] of this.cells) {
      if (place < first || place > last) { this.drop(cell); this.cells.delete(place) }
    }
    this.pages.want(first, settled ? last : -1)
    for (let place = first; place <= last; place++) this.fill(place, settled)
    this.scroller.setAttribute("aria-activedescendant", this.cells.has(this.picks.current) ? `cell-${this.picks.current}` : "")
    const name = this.pages.at(this.picks.current)?.id
    this.place.textContent = this.count && name ? `${(this.picks.current + 1).toLocaleString("en")} of ${this.count.toLocaleString("en")}: ${name}` : ""
  }

  fill(place, settled) {
    let cell = this.cells.get(place)
    if (!cell) {
      cell = Object.assign(document.createElement("div"), { className: "cell", id: `cell-${place}` })
      const x = GAP + (place % this.across) * (this.cellWidth + GAP), y = GAP + Math.floor(place / this.across) * this.step
      cell.style.cssText = `width:${this.cellWidth}px;height:${this.cellHeight}px;transform:translate(${x}px,${y}px)`
      for (const [name, value] of [["role", "option"], ["aria-setsize", this.count], ["aria-posinset", place + 1]]) cell.setAttribute(name, value)
      cell.dataset.place = place
      this.cells.set(place, cell)
      this.space.append(cell)
    }
    const image = this.pages.at(place)
    if (settled && image && cell.image !== image) this.picture(cell, image)
    cell.setAttribute("aria-selected", String(this.picks.chosen.has(place)))
    cell.classList.toggle("current", place === this.picks.current)
  }

  picture(cell, image) {
    cell.image = image
    const width = Math.min(this.cellWidth, Math.round(this.cellHeight * image.ratio))
    const height = Math.min(this.cellHeight, Math.round(this.cellWidth / image.ratio))
    const wanted = Math.max(width, height) * Math.min(devicePixelRatio || 1, 2)
    const size = SIZES.find((one) => one >= wanted) ?? SIZES.at(-1)
    const fields = { row: image.row, look: image.look, size, plain: this.masks.checked ? "" : "1" }
    const src = this.imageUrl.replace(/\{(\w+)\}/g, (_, name) => fields[name])
    const words = `${image.id}, ${image.proposals} ${image.proposals === 1 ? "proposal" : "proposals"}${image.excluded ? ", excluded" : ""}`
    const node = Object.assign(document.createElement("img"), { src, width, height, alt: "", decoding: "async", draggable: false })
    node.onerror = () => { if (node.isConnected) node.replaceWith(Object.assign(document.createElement("span"), { className: "lost", textContent: `Not available: ${image.id}` })) }
    const name = Object.assign(document.createElement("span"), { className: "name", textContent: `\u200e${image.id}` })
    cell.replaceChildren(node, name, Object.assign(document.createElement("i"), { className: "mark" }))
    if (image.excluded) cell.append(Object.assign(document.createElement("b"), { className: "out", textContent: "Excluded" }))
    cell.classList.toggle("excluded", Boolean(image.excluded))
    cell.title = words
    cell.dataset.image = image.id
    cell.setAttribute("aria-label", words)
  }

  fail(fault) {
    if (this.pages.at(this.picks.current)) return
    this.place.textContent = `The images cannot be listed: ${fault.message.slice(0, 200)}`
  }

  placeOf(event) {
    const cell = event.composedPath().find((node) => node.classList?.contains("cell"))
    return cell ? Number(cell.dataset.place) : -1
  }

  onClick(event) {
    const place = this.placeOf(event)
    if (place < 0) return
    this.scroller.focus({ preventScroll: true })
    if (event.shiftKey) this.picks.extend(place)
    else this.picks.toggle(place)
    this.draw(true)
    this.say()
  }

  onKey(event) {
    const { current } = this.picks, last = this.count - 1, command = event.ctrlKey || event.metaKey
    const screen = Math.max(1, Math.floor(this.scroller.clientHeight / this.step)) * this.across
    const to = {
      ArrowLeft: current - 1, ArrowRight: current + 1, ArrowUp: current - this.across, ArrowDown: current + this.across,
      PageUp: current - screen, PageDown: current + screen, Home: 0, End: last,
    }[event.key]
    if (event.altKey || last < 0) return
    if (command && event.key.toLowerCase() === "a") { this.picks.all(this.count); this.say() }
    else if (command) return
    else if (to !== undefined) {
      const place = Math.max(0, Math.min(last, to))
      if (event.shiftKey) { this.picks.extend(place); this.say() } else this.picks.move(place)
      this.reveal(place)
    }
    else if (event.key === " ") { event.shiftKey ? this.picks.extend(current) : this.picks.toggle(current); this.say() }
    else if (event.key === "Escape" && this.picks.chosen.size) { this.picks.clear(); this.say() }
    else if (event.key === "Enter") this.open(current)
    else return
    event.preventDefault()
    event.stopPropagation()
    this.draw(true)
  }

  reveal(place) {
    const top = Math.floor(place / this.across) * this.step, bottom = top + this.step + GAP
    const { scrollTop, clientHeight } = this.scroller
    if (top < scrollTop) this.scroller.scrollTop = top
    else if (bottom > scrollTop + clientHeight) this.scroller.scrollTop = bottom - clientHeight
  }

  remember() {
    store(session, PLACE + this.about, `${this.picks.current}.${Math.floor(this.scroller.scrollTop / this.step) * this.across}`)
  }

  recall() {
    const [current, first] = (stored(session, PLACE + this.about) ?? "0.0").split(".").map(Number)
    this.picks.move(Math.min(current, Math.max(this.count - 1, 0)))
    this.scroller.scrollTop = Math.floor(first / this.across) * this.step
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".grid")
  root.grid ??= new ImageGrid(root)
  root.grid.show(data, setTriggerValue)
}
