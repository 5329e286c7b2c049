// Toggles and opacities outlive the image: the next one is shown with the same layers.
const REMEMBERED = "comus-photo-layers"

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(REMEMBERED)) ?? {}
  } catch {
    return {}
  }
}

function remember(name, view) {
  try {
    sessionStorage.setItem(REMEMBERED, JSON.stringify({ ...remembered(), [name]: view }))
  } catch {
    // storage is switched off: the layers then start again with each image
  }
}

function element(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties)
  node.append(...children)
  return node
}

function layerOf(layer, number, frame) {
  const view = { shown: layer.shown, opacity: layer.opacity, ...remembered()[layer.name] }
  const image = element("img", { className: "layer", alt: "", decoding: "async" })
  image.dataset.layer = layer.name
  const box = element("input", { type: "checkbox", checked: view.shown })
  const range = element("input", { type: "range", min: 0, max: 100, value: Math.round(100 * view.opacity) })
  range.setAttribute("aria-label", `Opacity of ${layer.label}`)
  const note = element("span", {}, layer.label)
  image.onerror = () => {
    note.textContent = `${layer.label} (not available)`
    box.disabled = range.disabled = true
  }
  const draw = () => {
    if (box.checked && !image.src) image.src = layer.url // fetched when it is first shown
    image.style.opacity = box.checked ? range.value / 100 : 0
    range.disabled = !box.checked || box.disabled
  }
  box.onchange = range.oninput = () => {
    draw()
    remember(layer.name, { shown: box.checked, opacity: range.value / 100 })
  }
  draw()
  frame.append(image)
  const label = element("label", {}, box, note, element("kbd", {}, String(number)))
  return { row: element("div", { className: "row" }, label, range), toggle: () => box.disabled || box.click() }
}

function build(root, data) {
  const frame = element("div", { className: "frame" })
  frame.style.setProperty("--ratio", String(data.width / data.height))
  const base = element("img", { src: data.url, alt: data.alt, className: "image" })
  base.onerror = () => base.replaceWith(element("div", { className: "missing" }, "This image can no longer be read."))
  frame.append(base)
  const layers = data.layers.map((layer, place) => layerOf(layer, place + 1, frame))
  const link = element("a", { href: data.fullUrl, target: "_blank", rel: "noopener", title: "Open at full size" })
  link.setAttribute("aria-label", "Open the image at full size")
  frame.append(link)
  const rows = element("div", { className: "layers" }, ...layers.map((layer) => layer.row))
  const hint = element("p", { className: "hint" }, "Hold H to hide the layers; click the image for full size.")
  root.replaceChildren(frame, rows, hint)
  return { frame, layers }
}

const typing = (event) =>
  event.composedPath().some((node) => node.isContentEditable || /^(TEXTAREA|SELECT)$/.test(node.tagName) ||
    (node.tagName === "INPUT" && !/^(checkbox|range|button)$/.test(node.type)))

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".photo")
  const same = JSON.stringify(data)
  if (root.dataset.shown !== same) {
    root.dataset.shown = same
    root.built = build(root, data)
  }
  const { frame, layers } = root.built
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return
    if (event.key.toLowerCase() === "h") frame.classList.toggle("bare", event.type === "keydown")
    else if (event.type === "keydown" && !event.repeat) layers[Number(event.key) - 1]?.toggle()
  }
  document.addEventListener("keydown", onKey)
  document.addEventListener("keyup", onKey)
  return () => {
    document.removeEventListener("keydown", onKey)
    document.removeEventListener("keyup", onKey)
  }
}
