// What was drawn and not saved outlives a reload: it lies in this tab until it is saved or cancelled.
const PREFIX = "comus-repair-";

function recall(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name));
  } catch {
    return null; // storage is switched off
  }
}

function remember(name, value) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // then it is not remembered
  }
}

function forget(name) {
  try {
    sessionStorage.removeItem(PREFIX + name);
  } catch {
    // there is nothing
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".repair");
  const about = JSON.stringify([data.name, data.width, data.height, data.runs]);
  if (root.about !== about) {
    root.about = about;
    root.editor = new Editor(root, data, (name, value) => root.send(name, value));
  }
  root.send = setTriggerValue;
  root.editor.receive(data.draft);
  root.off?.abort(); // of the last update: a key is answered once
  const off = (root.off = new AbortController());
  document.addEventListener("keydown", (event) => root.editor.key(event), { capture: true, signal: off.signal });
  return () => off.abort();
}
