// What is drawn over the points: selection outlines, the line being drawn, category names, the point under the mouse.
class Overlay {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
  }

  draw(view, { gestures, stroke, strokeMode, labels, hovered, theme, ratio }) {
    const pen = this.pen;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    for (const { polygon, mode } of gestures) this.outline(polygon.map(([x, y]) => view.toScreen(x, y)), mode, theme);
    if (labels) this.names(view, labels, theme);
    if (stroke) this.outline(stroke, strokeMode, theme);
    if (hovered) this.ring(view.toScreen(hovered.x, hovered.y), hovered, theme);
  }

  outline(corners, mode, theme) {
    const pen = this.pen;
    pen.beginPath();
    corners.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
    pen.setLineDash(mode === "subtract" ? [5, 4] : []);
    pen.fillStyle = theme.accent;
    pen.globalAlpha = mode === "subtract" ? 0.03 : 0.07;
    pen.fill("evenodd");
    pen.globalAlpha = 1;
    pen.lineJoin = "round";
    pen.strokeStyle = theme.page;
    pen.lineWidth = 4;
    pen.stroke();
    pen.strokeStyle = mode === "subtract" ? theme.ink : theme.accent;
    pen.lineWidth = 1.75;
    pen.stroke();
    pen.setLineDash([]);
  }

  // Largest category first; a name that would cover another is left out until there is room.
  names(view, labels, theme) {
    const pen = this.pen, taken = [];
    pen.font = `600 12.5px ${theme.font}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    for (const { name, x, y } of labels) {
      const [px, py] = view.toScreen(x, y);
      const half = pen.measureText(name).width / 2 + 3;
      const box = [px - half, py - 9, px + half, py + 9];
      const visible = box[2] > 0 && box[0] < view.width && box[3] > 0 && box[1] < view.height;
      if (!visible || taken.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) continue;
      taken.push(box);
      pen.lineWidth = 4;
      pen.strokeStyle = theme.page;
      pen.strokeText(name, px, py);
      pen.fillStyle = theme.ink;
      pen.fillText(name, px, py);
    }
  }

  ring([px, py], { colour, radius }, theme) {
    const pen = this.pen;
    pen.beginPath();
    pen.arc(px, py, Math.max(radius + 2, 5), 0, 2 * Math.PI);
    pen.fillStyle = colour;
    pen.fill();
    pen.lineWidth = 2.5;
    pen.strokeStyle = theme.page;
    pen.stroke();
    pen.lineWidth = 1.25;
    pen.strokeStyle = theme.ink;
    pen.stroke();
  }
}

// Where each category's name goes: the middle of its densest place, because a mean may lie between two groups. A place
// is a cell and those around it: of a few points, each has a cell to itself.
const LABEL_CELLS = 40;
const LABEL_REACH = 2;
const MOST_LABELS = 200;

function labelPlaces(xy, category, names, counts, hidden, bounds) {
  const width = (bounds.x1 - bounds.x0) / LABEL_CELLS || 1, height = (bounds.y1 - bounds.y0) / LABEL_CELLS || 1;
  const wanted = names.map((_, k) => k).filter((k) => counts[k] > 0 && !hidden.has(k))
    .sort((a, b) => counts[b] - counts[a]).slice(0, MOST_LABELS);
  const slot = new Int32Array(counts.length).fill(-1);
  wanted.forEach((k, s) => { slot[k] = s; });
  const sums = new Float64Array(wanted.length * LABEL_CELLS * LABEL_CELLS * 3);
  for (let k = 0; k < category.length; k++) {
    const s = slot[category[k]];
    if (s < 0 || xy[2 * k] === NOWHERE) continue;
    const column = Math.min(LABEL_CELLS - 1, Math.floor((xy[2 * k] - bounds.x0) / width));
    const row = Math.min(LABEL_CELLS - 1, Math.floor((xy[2 * k + 1] - bounds.y0) / height));
    const at = 3 * ((s * LABEL_CELLS + row) * LABEL_CELLS + column);
    sums[at] += 1; sums[at + 1] += xy[2 * k]; sums[at + 2] += xy[2 * k + 1];
  }
  return wanted.map((k, s) => {
    let best = [0, 0, 0];
    for (let cell = 0; cell < LABEL_CELLS * LABEL_CELLS; cell++) {
      if (!sums[3 * (s * LABEL_CELLS * LABEL_CELLS + cell)]) continue;
      const candidate = aroundCell(sums, s, Math.floor(cell / LABEL_CELLS), cell % LABEL_CELLS);
      if (candidate[0] > best[0]) best = candidate;
    }
    return { name: names[k], x: best[1] / best[0], y: best[2] / best[0] };
  }).filter(({ x }) => Number.isFinite(x));
}

// Number and sums of the places of the points of slot s in a cell and those within reach of it.
function aroundCell(sums, s, row, column) {
  const total = [0, 0, 0];
  const from = (i) => Math.max(0, i - LABEL_REACH), to = (i) => Math.min(LABEL_CELLS - 1, i + LABEL_REACH);
  for (let r = from(row); r <= to(row); r++) {
    for (let c = from(column); c <= to(column); c++) {
      const at = 3 * ((s * LABEL_CELLS + r) * LABEL_CELLS + c);
      for (let part = 0; part < 3; part++) total[part] += sums[at + part];
    }
  }
  return total;
}
