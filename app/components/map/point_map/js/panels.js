// The small panels over the map: the point under the mouse, the count of what is selected, the pressed buttons.
const TOOLTIP_DELAY = 60; // ms of rest before an image is asked for, so that a sweep over the map fetches none
const GAP = 14;

class Tooltip {
  constructor(root) {
    this.root = root;
    this.image = root.querySelector("img");
    this.image.onerror = () => { this.image.hidden = true; };
  }

  show([px, py], view, { index, name, colour, shape, imageUrl }) {
    clearTimeout(this.wait);
    const mark = this.root.querySelector("i");
    mark.style.background = colour;
    mark.dataset.shape = shape;
    this.root.querySelector("b").textContent = name;
    this.image.hidden = !imageUrl;
    this.image.removeAttribute("src");
    this.image.alt = imageUrl ? `A proposal of ${name}` : "";
    if (imageUrl) this.wait = setTimeout(() => { this.image.src = imageUrl.replaceAll("{i}", index); }, TOOLTIP_DELAY);
    this.root.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const left = px + GAP + width < view.width ? px + GAP : px - GAP - width;
    const top = Math.max(6, Math.min(py - height / 2, view.height - height - 6));
    this.root.style.transform = `translate(${Math.max(6, Math.round(left))}px, ${Math.round(top)}px)`;
  }

  hide() {
    clearTimeout(this.wait);
    this.root.hidden = true;
  }
}

class Readout {
  constructor(root) {
    this.root = root;
    this.text = root.querySelector("span");
  }

  // `byCategory` counts the selected points of each category; null without a selection.
  show(total, byCategory, hidden) {
    const write = (n) => n.toLocaleString("en");
    this.root.classList.toggle("chosen", byCategory !== null);
    this.root.querySelector("button").hidden = byCategory === null;
    if (byCategory === null) {
      this.text.textContent = `${write(total)} ${total === 1 ? "point" : "points"}`;
      return;
    }
    let count = 0, unseen = 0;
    byCategory.forEach((chosen, k) => { count += chosen; unseen += hidden.has(k) ? chosen : 0; });
    this.text.textContent = `${write(count)} of ${write(total)} selected${unseen ? ` (${write(unseen)} of them hidden)` : ""}`;
  }
}

function press(root, kind, isPressed, only) {
  for (const button of root.querySelectorAll(`button[data-${kind}]`)) {
    if (!only || button.dataset[kind] === only) button.setAttribute("aria-pressed", String(isPressed(button.dataset[kind])));
  }
}

