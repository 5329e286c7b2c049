// The binary answers of the two routes; buffers.py says what their bytes are.
const POINTS_MARK = "CMXY";
const COLOURS_MARK = "CMCI";
const HEADER_BYTES = 8;
const NOWHERE = Math.fround(1e30); // stands for a point that is not finite: far outside every view and polygon

async function fetchPoints(url, signal) {
  const { count, body } = await fetchMarked(url, POINTS_MARK, signal);
  const xy = new Float32Array(body, HEADER_BYTES, 2 * count);
  for (let k = 0; k < xy.length; k += 2) {
    if (!(Number.isFinite(xy[k]) && Number.isFinite(xy[k + 1]))) xy[k] = xy[k + 1] = NOWHERE;
  }
  return xy;
}

async function fetchColours(url, signal) {
  const { count, body } = await fetchMarked(url, COLOURS_MARK, signal);
  return new Uint16Array(body, HEADER_BYTES, count);
}

async function fetchMarked(url, mark, signal) {
  const response = await fetch(url, { signal, credentials: "same-origin" });
  if (!response.ok) throw new Error(`${url} returned ${response.status} ${response.statusText}`);
  const body = await response.arrayBuffer();
  const actual = new TextDecoder("latin1").decode(body.slice(0, 4));
  if (actual !== mark || body.byteLength < HEADER_BYTES) throw new Error(`${url} did not return map data (${mark})`);
  const count = new DataView(body).getUint32(4, true);
  const width = mark === POINTS_MARK ? 8 : 2;
  if (body.byteLength !== HEADER_BYTES + width * count) throw new Error(`${url} is incomplete: ${count} points expected`);
  return { count, body };
}
