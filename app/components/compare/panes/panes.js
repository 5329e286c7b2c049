// One view for all images, kept as shares of their width and height, so that each may have another size on the page.
const MOST = 16, STEP = 1.5, OPACITY = "comus-panes-opacity"

class View {
  constructor(root) {
    Object.assign(this, { root, x: 0, y: 0, zoom: 1 })
  }

  fit() {
    Object.assign(this, { x: 0, y: 0, zoom: 1 })
    this.draw()
  }

  // The place (px, py), in shares of an image, stays where it is.
  zoomAt(px, py, factor) {
    const zoom = Math.min(MOST, Math.max(1, this.zoom * factor)), by = zoom / this.zoom
    this.x = px - (px - this.x) * by
    this.y = py - (py - this.y) * by
    this.zoom = zoom
    this.draw()
  }

  pan(dx, dy) {
    this.x += dx
    this.y += dy
    this.draw()
  }

  draw() {
    const least = 1 - this.zoom
    this.x = Math.min(0, Math.max(least, this.x))
    this.y = Math.min(0, Math.max(least, this.y))
    const style = this.root.style
    style.setProperty("--x", `${(100 * this.x).toFixed(3)}%`)
    style.setProperty("--y", `${(100 * this.y).toFixed(3)}%`)
    style.setProperty("--zoom", String(this.zoom))
    this.root.classList.toggle("zoomed", this.zoom >= 3)
    this.root.querySelector("output").value = `${this.zoom < 9.95 ? this.zoom.toFixed(this.zoom === 1 ? 0 : 1) : Math.round(this.zoom)}×`
  }
}

function element(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties)
  node.append(...children)
  return node
}

function paneOf(pane, data) {
  const alt = `${pane.title} of ${data.image}`
  const stack = element("div", { className: "stack" }, element("img", { src: data.url, className: "below", alt: pane.layer ? "" : alt }))
  stack.style.setProperty("--dim", pane.layer ? pane.dim : 0)
  const window = element("div", { className: "window" }, stack)
  if (pane.layer) {
    const layer = element("img", { src: pane.layer, className: "layer", alt })
    layer.onerror = () => { layer.remove(); window.append(element("div", { className: "none" }, "Not available for this image")) }
    stack.append(layer)
  }
  const figure = element("figure", {}, element("figcaption", {}, pane.title, element("i", {}, pane.note)), window)
  figure.dataset.pane = pane.name
  return figure
}

function stored() {
  try {
    return sessionStorage.getItem(OPACITY)
  } catch {
    return null // storage is switched off
  }
}

function store(value) {
  try {
    sessionStorage.setItem(OPACITY, value)
  } catch {
    // then it is not remembered
  }
}

function handle(root, view) {
  const row = root.querySelector(".row"), range = root.querySelector("input")
  range.value = stored() ?? range.value
  const fade = () => root.style.setProperty("--opacity", String(range.value / 100))
  range.oninput = () => { fade(); store(range.value) }
  fade()
  const share = (event, window) => {
    const box = window.getBoundingClientRect()
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
  }
  const act = { in: () => view.zoomAt(0.5, 0.5, STEP), out: () => view.zoomAt(0.5, 0.5, 1 / STEP), fit: () => view.fit() }
  for (const button of root.querySelectorAll("[data-act]")) button.onclick = act[button.dataset.act]
  row.onwheel = (event) => {
    const window = event.target.closest(".window")
    if (!window || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    view.zoomAt(...share(event, window), Math.exp(-event.deltaY / 300))
  }
  row.ondblclick = (event) => {
    const window = event.target.closest(".window")
    if (window) view.zoomAt(...share(event, window), event.shiftKey ? 1 / (STEP * STEP) : STEP * STEP)
  }
  row.onpointerdown = (event) => {
    const window = event.target.closest(".window")
    if (!window || event.button !== 0) return
    window.setPointerCapture(event.pointerId)
    window.classList.add("moving")
    let [x, y] = share(event, window)
    window.onpointermove = (moved) => {
      const [nx, ny] = share(moved, window)
      view.pan(nx - x, ny - y)
      ;[x, y] = [nx, ny]
    }
    window.onpointerup = window.onpointercancel = () => {
      window.classList.remove("moving")
      window.onpointermove = null
    }
  }
  const move = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }
  row.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const done = { "+": act.in, "=": act.in, "-": act.out, 0: act.fit }[event.key]
    if (done) done()
    else if (move[event.key] && view.zoom > 1) view.pan(...move[event.key])
    else return
    event.preventDefault()
  }
}

const typing = (event) => event.composedPath().some((node) => node.isContentEditable || /^(TEXTAREA|SELECT)$/.test(node.tagName)
  || (node.tagName === "INPUT" && !/^(checkbox|range|button)$/.test(node.type)))

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".compare")
  if (!root.view) {
    root.view = new View(root)
    handle(root, root.view)
    root.view.fit()
  }
  const same = JSON.stringify(data)
  if (root.shown !== same) {
    if (root.image !== data.image) root.view.fit()
    Object.assign(root, { shown: same, image: data.image })
    root.style.setProperty("--ratio", String(data.ratio))
    root.querySelector(".row").replaceChildren(...data.panes.map((pane) => paneOf(pane, data)))
  }
  const onKey = (event) => {
    if (event.key.toLowerCase() === "h" && !event.ctrlKey && !event.metaKey && !typing(event)) root.classList.toggle("bare", event.type === "keydown")
  }
  document.addEventListener("keydown", onKey)
  document.addEventListener("keyup", onKey)
  return () => {
    document.removeEventListener("keydown", onKey)
    document.removeEventListener("keyup", onKey)
  }
}
