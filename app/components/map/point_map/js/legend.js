// The list of categories: counts, search, show and hide. Nothing of it needs the server.
const SEARCH_FROM = 13;

class Legend {
  // onFocus hears of the category whose entry the mouse or the keyboard is on, -1 for none.
  constructor(root, onChange, onFocus) {
    this.list = root.querySelector("ul");
    this.title = root.querySelector(".head b");
    this.search = root.querySelector("input");
    Object.assign(this, { onChange, onFocus });
    this.bar = new ScaleBar(root.querySelector(".scale"), (outside) => { this.hidden = outside; this.changed(); });
    this.none = root.querySelector('[data-legend="none"]');
    this.hidden = new Set();
    this.entries = [];
    this.search.oninput = () => this.filter();
    root.querySelector('[data-legend="all"]').onclick = () => this.show(() => true);
    this.none.onclick = () => this.show(() => false);
  }

  // entries: { name, colour, count, drop } by category index, `drop` the id that crops can be dropped on or −1; the last stands for no category and may be empty.
  // Of a `scale` the entries are its levels, shown as a bar and not one by one.
  set(entries, scale = null) {
    const same = entries.length === this.entries.length && entries.every((e, k) => e.name === this.entries[k].name);
    if (!same) { this.hidden.clear(); this.bar.reset(entries.length - 1); }
    this.entries = entries;
    this.scale = scale;
    const last = entries.length - 1;
    const shown = entries.map((_, k) => k).filter((k) => (k < last ? !scale : entries[k].count > 0));
    const count = scale ? 0 : last;
    this.bar.set(scale, entries);
    this.none.hidden = scale !== null;
    this.title.textContent = scale ? scale.title : `${count.toLocaleString("en")} ${count === 1 ? "category" : "categories"}`;
    this.search.hidden = count < SEARCH_FROM;
    if (this.search.hidden) this.search.value = "";
    this.rows = shown.map((k) => this.row(k));
    this.list.replaceChildren(...this.rows.map(({ element }) => element));
    this.filter();
    this.refresh();
  }

  row(index) {
    const { name, colour, drop } = this.entries[index];
    const element = document.createElement("li");
    if (drop >= 0) element.dataset.drop = drop;
    element.innerHTML = '<button type="button" class="entry"><i></i><span class="name"></span><span class="count"></span></button>'
      + '<button type="button" class="only">only</button>';
    const [entry, only] = element.children;
    entry.querySelector("i").style.background = colour;
    entry.querySelector("i").dataset.shape = shapeOf(index, this.scale ? 0 : this.entries.length - 1);
    entry.querySelector(".name").textContent = name;
    entry.title = name;
    only.title = `Show only ${name}`;
    only.ariaLabel = only.title;
    entry.onclick = () => this.toggle(index);
    only.onclick = () => this.show((k) => k === index);
    for (const [event, on] of [["mouseenter", index], ["mouseleave", -1], ["focusin", index], ["focusout", -1]]) {
      element.addEventListener(event, () => this.onFocus(this.hidden.has(on) ? -1 : on));
    }
    return { index, element, entry };
  }

  // Beside each count, how many of them are selected; null without a selection.
  setChosen(byCategory) {
    for (const { index, element, entry } of this.rows ?? []) {
      const count = this.entries[index].count.toLocaleString("en");
      entry.querySelector(".count").textContent = byCategory ? `${byCategory[index].toLocaleString("en")} / ${count}` : count;
      element.classList.toggle("untouched", byCategory !== null && !byCategory[index]);
    }
  }

  toggle(index) {
    if (!this.hidden.delete(index)) this.hidden.add(index);
    this.changed();
  }

  // Shows the categories that `wanted` accepts and hides the others.
  show(wanted) {
    this.hidden = new Set(this.entries.map((_, k) => k).filter((k) => !wanted(k)));
    this.bar.reset(this.entries.length - 1);
    this.changed();
  }

  changed() {
    this.refresh();
    this.onChange();
  }

  refresh() {
    for (const { index, entry } of this.rows) entry.setAttribute("aria-pressed", String(!this.hidden.has(index)));
  }

  filter() {
    const text = this.search.value.trim().toLowerCase();
    let matches = 0;
    for (const { index, element } of this.rows) {
      element.hidden = !this.entries[index].name.toLowerCase().includes(text);
      matches += !element.hidden;
    }
    this.list.querySelector(".nothing")?.remove();
    if (!matches && !this.scale) this.list.insertAdjacentHTML("beforeend", '<li class="nothing">No category of that name</li>');
  }
}
