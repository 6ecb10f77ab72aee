// Bars, drawn as SVG. Who can't see them has the same numbers in the table below.

import { numberFormat, shorten } from "/pages/explorer_dom.js";

const TEXT = 20; // pixels: the height of a row's words
const BAR = 12;
const GAP = 12;

function draw(tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

/** Bars across the width there is, one below the other. Each row: { label, values }, a bar for each
 * value; `series` are the names of the values. */
export function makeBars(title, series, rows) {
  const most = Math.max(1, ...rows.flatMap((row) => row.values));
  const height = TEXT + BAR * series.length + GAP;
  const svg = draw("svg", { class: "bars", role: "img", "aria-label": `${title}. The table has the numbers.`, width: "100%", height: height * rows.length });
  rows.forEach((row, i) => {
    const top = i * height;
    const words = row.values.map((value) => numberFormat.format(value)).join(" / ");
    svg.append(
      draw("text", { x: 0, y: top + 14 }, shorten(row.label, 36)),
      draw("text", { x: "100%", y: top + 14, "text-anchor": "end" }, words),
    );
    row.values.forEach((value, n) => {
      const place = { x: 0, y: top + TEXT + n * BAR, height: BAR - 2, rx: 3 };
      svg.append(draw("rect", { ...place, class: "track", width: "100%" }));
      svg.append(draw("rect", { ...place, class: `bar bar-${n}`, width: `${(100 * value) / most}%` }));
    });
  });
  return svg;
}
