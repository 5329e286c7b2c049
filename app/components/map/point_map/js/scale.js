// The legend of a colouring by value: how many points are where on the scale, its ramp, and the part that is shown.
const BARS = 32;

// What each level of the scale is called: the value in its middle.
function levelNames(scale) {
  return Array.from({ length: scale.levels }, (_, k) => valueWords(scale, (k + 0.5) / scale.levels));
}

// The value at a share of the way from one end to the other, with its unit.
function valueWords({ low, high, even_ratios: ratios, unit }, share) {
  const value = ratios ? low * (high / low) ** share : low + (high - low) * share;
  return `${Number(value.toPrecision(3))}${unit ? ` ${unit}` : ""}`;
}

class ScaleBar {
  // onRange is given the levels outside the part that is shown.
  constructor(root, onRange) {
    const find = (selector) => root.querySelector(selector);
    Object.assign(this, { root, bars: find(".bars"), ramp: find(".ramp"), from: find(".from"), to: find(".to") });
    Object.assign(this, { ends: root.querySelectorAll(".ends span"), within: find(".within"), levels: 0 });
    for (const input of [this.from, this.to]) {
      input.oninput = () => { this.keepOrder(input); onRange(this.outside()); this.tell(); };
    }
  }

  // All of a scale of so many levels is shown.
  reset(levels) {
    this.levels = levels;
    for (const input of [this.from, this.to]) input.max = levels;
    [this.from.value, this.to.value] = [0, levels];
    this.tell();
  }

  // `entries` are the levels, lowest first, and last what has no value.
  set(scale, entries) {
    this.root.hidden = !scale;
    this.scale = scale;
    if (!scale) return;
    const levels = entries.slice(0, -1), each = levels.length / BARS;
    const counts = Array.from({ length: BARS }, (_, b) =>
      levels.slice(Math.round(b * each), Math.round((b + 1) * each)).reduce((sum, { count }) => sum + count, 0));
    const most = Math.max(1, ...counts);
    this.bars.replaceChildren(...counts.map((count, b) => {
      const bar = document.createElement("i");
      bar.style.height = `${count ? Math.max(3, (100 * count) / most) : 0}%`;
      bar.style.background = levels[Math.round((b + 0.5) * each)].colour;
      bar.title = `${valueWords(scale, b / BARS)} to ${valueWords(scale, (b + 1) / BARS)}: ${count.toLocaleString("en")}`;
      return bar;
    }));
    this.ramp.style.background = `linear-gradient(to right, ${levels.filter((_, k) => k % 16 === 0).map((l) => l.colour).join(",")})`;
    [0, 0.5, 1].forEach((share, k) => { this.ends[k].textContent = valueWords(scale, share); });
    this.entries = levels;
    this.tell();
  }

  keepOrder(moved) {
    const [low, high] = [Number(this.from.value), Number(this.to.value)];
    if (low < high) return;
    moved.value = moved === this.from ? high - 1 : low + 1;
  }

  // Levels that are not shown; what has no value is shown with the whole scale alone.
  outside() {
    const [low, high] = [Number(this.from.value), Number(this.to.value)];
    const beyond = Array.from({ length: this.levels }, (_, k) => k).filter((k) => k < low || k >= high);
    return new Set(beyond.length ? [...beyond, this.levels] : []);
  }

  tell() {
    if (!this.scale || !this.entries) return;
    const [low, high] = [Number(this.from.value), Number(this.to.value)];
    const words = [low, high].map((level) => valueWords(this.scale, level / this.levels));
    const count = this.entries.slice(low, high).reduce((sum, entry) => sum + entry.count, 0);
    this.within.textContent = `${words.join(" to ")}: ${count.toLocaleString("en")} shown`;
    [this.from, this.to].forEach((input, k) => { input.ariaValueText = words[k]; });
  }
}
