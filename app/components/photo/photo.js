// Toggles and opacities outlive the photograph: the next one is looked at through the same layers.
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
    // storage is switched off: the layers then start anew with each photograph
  }
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

function layerOf(layer, number, frame) {
  const view = { shown: layer.shown, opacity: layer.opacity, ...remembered()[layer.name] }
  const picture = element("img", { className: "layer", alt: "", decoding: "async" })
  picture.dataset.layer = layer.name
  const box = element("input", { type: "checkbox", checked: view.shown })
  const range = element("input", { type: "range", min: 0, max: 100, value: Math.round(100 * view.opacity) })
  range.setAttribute("aria-label", `Opacity of ${layer.label}`)
  const note = element("span", {}, layer.label)
  picture.onerror = () => {
    note.textContent = `${layer.label} (none here)`
    box.disabled = range.disabled = true
  }
  const draw = () => {
    if (box.checked && !picture.src) picture.src = layer.url // fetched when it is first looked at
    picture.style.opacity = box.checked ? range.value / 100 : 0
    range.disabled = !box.checked || box.disabled
  }
  box.onchange = range.oninput = () => {
    draw()
    remember(layer.name, { shown: box.checked, opacity: range.value / 100 })
  }
  draw()
  frame.append(picture)
  const label = element("label", {}, box, note, element("kbd", {}, String(number)))
  return { row: element("div", { className: "row" }, label, range), toggle: () => box.disabled || box.click() }
}

function build(root, data) {
  const frame = element("div", { className: "frame" })
  frame.style.setProperty("--ratio", String(data.width / data.height))
  const photograph = element("img", { src: data.url, alt: data.alt, className: "photograph" })
  photograph.onerror = () => photograph.replaceWith(element("div", { className: "missing" }, "This photograph cannot be read any more."))
  frame.append(photograph)
  const layers = data.layers.map((layer, place) => layerOf(layer, place + 1, frame))
  const link = element("a", { href: data.fullUrl, target: "_blank", rel: "noopener", title: "Open at full size" })
  link.setAttribute("aria-label", "Open the photograph at full size")
  frame.append(link)
  const rows = element("div", { className: "layers" }, ...layers.map((layer) => layer.row))
  const hint = element("p", { className: "hint" }, "Hold H to see the bare photograph; click it for full size.")
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
