// What all tabs of this browser share: values in localStorage, below one prefix. A tab hears of what
// another one wrote by the event "storage".

const PREFIX = "cartd.shop.";

/** A browser that stores nothing has a shop all the same, in this tab and until it is closed. */
function memoryStorage() {
  const values = new Map();
  return {
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, text) => void values.set(name, text),
    removeItem: (name) => void values.delete(name),
    key: (index) => [...values.keys()][index] ?? null,
    get length() {
      return values.size;
    },
  };
}

function openStorage() {
  try {
    localStorage.setItem(`${PREFIX}probe`, "");
    localStorage.removeItem(`${PREFIX}probe`);
    return localStorage;
  } catch {
    return memoryStorage();
  }
}

const storage = openStorage();

/** The value of a name, or null if there is none that can be read. */
export function read(name) {
  try {
    return JSON.parse(storage.getItem(PREFIX + name));
  } catch {
    return null;
  }
}

/** Null removes it. */
export function write(name, value) {
  if (value === null) storage.removeItem(PREFIX + name);
  else storage.setItem(PREFIX + name, JSON.stringify(value));
}

/** The names that begin so, in order. */
export function namesOf(beginning) {
  const names = Array.from({ length: storage.length }, (_, index) => storage.key(index));
  return names
    .filter((name) => name?.startsWith(PREFIX + beginning))
    .map((name) => name.slice(PREFIX.length))
    .sort();
}

/** Calls listener(name) for what another tab wrote; with null if it removed everything. */
export function onChangeElsewhere(listener) {
  addEventListener("storage", ({ key }) => {
    if (key === null || key.startsWith(PREFIX)) listener(key?.slice(PREFIX.length) ?? null);
  });
}
