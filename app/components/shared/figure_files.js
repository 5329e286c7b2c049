// Image files of a figure, rendered in the browser by Plotly itself, which comes from this app's own server on the
// first click: the Plotly that Streamlit draws with cannot be reached.
let library

function plotly(url) {
  library ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: url })
    script.onload = () => resolve(window.Plotly)
    script.onerror = () => {
      library = undefined
      script.remove()
      reject(new Error("Plotly could not be loaded; try again"))
    }
    document.head.append(script)
  })
  return library
}

async function save(button, data) {
  const { figure, libraryUrl, name, width, height } = data
  const format = button.dataset.format
  const Plotly = await plotly(libraryUrl)
  const image = await Plotly.toImage(figure, { format, width, height, scale: format === "png" ? 2 : 1 })
  const url = URL.createObjectURL(await (await fetch(image)).blob())
  const link = Object.assign(document.createElement("a"), { href: url, download: `${name}.${format}` })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

export default function ({ parentElement, data }) {
  for (const button of parentElement.querySelectorAll("button")) {
    button.title = `Download “${data.title}” as ${button.dataset.format.toUpperCase()}`
    button.ariaLabel = button.title
    button.onclick = async () => {
      button.disabled = true
      button.classList.remove("failed")
      try {
        await save(button, data)
      } catch (error) {
        button.classList.add("failed")
        button.title = `The file could not be created: ${error.message}`
      }
      button.disabled = false
    }
  }
}
