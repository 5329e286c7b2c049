// The door by which Streamlit comes in.

// Colours as the canvas and the shader need them; CSS may answer rgb(...) in bytes or color(srgb ...) in fractions.
function readTheme(plot) {
  const style = getComputedStyle(plot), page = style.backgroundColor;
  const pageRgb = page.match(/[\d.]+/g).slice(0, 3).map((v) => Number(v) * (page.startsWith("color(") ? 255 : 1));
  const probe = (name) => style.getPropertyValue(name).trim();
  return { page, pageRgb, ink: style.color, accent: probe("--accent"), font: style.fontFamily };
}

const mounted = new WeakMap();

export default function mountPointMap(component) {
  const root = component.parentElement;
  if (!mounted.has(root)) mounted.set(root, new PointMap(root));
  const map = mounted.get(root);
  map.update(component);
  return () => {
    map.destroy();
    mounted.delete(root);
  };
}
