// Elements in one expression. Text is only ever set as text, whatever it says.

/** element("p", { className: "quiet" }, "Two of ", name): properties, then children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A button that does something. */
export function button(text, onclick, properties = {}) {
  return element("button", { type: "button", textContent: text, onclick, ...properties });
}

export function byId(id) {
  return document.getElementById(id);
}

/**
 * Makes the children of parent those of rows, in order. One that is there already (the same key) is
 * updated and not made anew, so that the focus and what is being typed stay.
 */
export function showRows(parent, rows, { key, make }) {
  const former = new Map([...parent.children].map((child) => [child.rowKey, child]));
  const shown = new Set();
  rows.forEach((row, index) => {
    let child = former.get(key(row));
    former.delete(key(row));
    if (child === undefined) {
      child = make(row);
      child.rowKey = key(row);
    }
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
    child.update(row);
    shown.add(child);
  });
  for (const child of [...parent.children]) if (!shown.has(child)) child.remove();
}
