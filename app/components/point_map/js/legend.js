// The list of categories: counts, search, show and hide. Nothing of it needs the server.
const SEARCH_FROM = 13;

class Legend {
  constructor(root, onChange) {
    this.list = root.querySelector("ul");
    this.title = root.querySelector(".head b");
    this.search = root.querySelector("input");
    this.onChange = onChange;
    this.hidden = new Set();
    this.entries = [];
    this.search.oninput = () => this.filter();
    root.querySelector('[data-legend="all"]').onclick = () => this.show(() => true);
    root.querySelector('[data-legend="none"]').onclick = () => this.show(() => false);
  }

  // entries: { name, colour, count } by category index; the last stands for no category and may be empty.
  set(entries) {
    const same = entries.length === this.entries.length && entries.every((e, k) => e.name === this.entries[k].name);
    if (!same) this.hidden.clear();
    this.entries = entries;
    const shown = entries.map((_, k) => k).filter((k) => k < entries.length - 1 || entries[k].count > 0);
    const count = entries.length - 1;
    this.title.textContent = `${count.toLocaleString("en")} ${count === 1 ? "category" : "categories"}`;
    this.search.hidden = count < SEARCH_FROM;
    if (this.search.hidden) this.search.value = "";
    this.rows = shown.map((k) => this.row(k));
    this.list.replaceChildren(...this.rows.map(({ element }) => element));
    this.filter();
    this.refresh();
  }

  row(index) {
    const { name, colour } = this.entries[index];
    const element = document.createElement("li");
    element.innerHTML = '<button type="button" class="entry"><i></i><span class="name"></span><span class="count"></span></button>'
      + '<button type="button" class="only">only</button>';
    const [entry, only] = element.children;
    entry.querySelector("i").style.background = colour;
    entry.querySelector(".name").textContent = name;
    entry.title = name;
    only.title = `Show only ${name}`;
    only.ariaLabel = only.title;
    entry.onclick = () => this.toggle(index);
    only.onclick = () => this.show((k) => k === index);
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
    let found = 0;
    for (const { index, element } of this.rows) {
      element.hidden = !this.entries[index].name.toLowerCase().includes(text);
      found += !element.hidden;
    }
    this.list.querySelector(".nothing")?.remove();
    if (!found) this.list.insertAdjacentHTML("beforeend", '<li class="nothing">No category of that name</li>');
  }
}
