/**
 * Curves as SVG, for the documentation.
 *
 * @module
 */

const WIDTH = 720;
const HEIGHT = 260;
const LEFT = 64;
const RIGHT = 150;
const TOP = 30;
const BOTTOM = 40;
const COLOURS = ["#c0392b", "#7f8c8d", "#2471a3", "#1e8449"];

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** One chart. An axis that is `log` has powers of ten as its marks. */
export interface Chart {
  readonly title: string;
  readonly x: { readonly label: string; readonly isLog?: boolean };
  readonly y: { readonly label: string; readonly isLog?: boolean };
  readonly lines: readonly { readonly name: string; readonly points: readonly Point[] }[];
  /** A part of the x axis that is shaded. */
  readonly shaded?: { readonly from: number; readonly to: number; readonly name: string };
}

interface Scale {
  readonly at: (value: number) => number;
  readonly marks: readonly number[];
}

function scale(
  values: readonly number[],
  options: { readonly from: number; readonly to: number; readonly isLog: boolean },
): Scale {
  const { from, to, isLog } = options;
  const convert = isLog ? (value: number) => Math.log10(Math.max(value, 1e-3)) : (v: number) => v;
  const highest = Math.max(...values);
  const low = isLog ? Math.floor(convert(Math.min(...values))) : Math.min(0, ...values);
  const step = isLog ? 1 : 10 ** Math.floor(Math.log10(highest || 1));
  const high = isLog
    ? Math.max(low + 1, Math.ceil(convert(highest)))
    : Math.ceil(highest / step) * step;
  const marks = [];
  for (let mark = low; mark <= high + step / 1e6; mark += step) {
    marks.push(isLog ? 10 ** mark : mark);
  }
  return {
    at: (value) => from + (convert(value) - low) / (high - low) * (to - from),
    marks,
  };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function text(at: Point, content: string, more = ""): string {
  return `<text x="${at.x.toFixed(1)}" y="${at.y.toFixed(1)}" ${more}>${escaped(content)}</text>`;
}

/** Draws charts below each other. */
export function drawCharts(charts: readonly Chart[]): string {
  const parts = charts.map((chart, at) =>
    `<g transform="translate(0 ${at * HEIGHT})">${drawChart(chart)}</g>`
  );
  const height = charts.length * HEIGHT;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `font-family="sans-serif" font-size="11"><rect width="${WIDTH}" height="${height}" fill="#fff"/>` +
    `${parts.join("\n")}</svg>\n`;
}

function drawChart({ title, x, y, lines, shaded }: Chart): string {
  const points = lines.flatMap((line) => line.points);
  const right = WIDTH - RIGHT;
  const bottom = HEIGHT - BOTTOM;
  const xs = scale(points.map((point) => point.x), {
    from: LEFT,
    to: right,
    isLog: x.isLog ?? false,
  });
  const ys = scale(points.map((point) => point.y), {
    from: bottom,
    to: TOP,
    isLog: y.isLog ?? false,
  });
  const drawn = [text({ x: LEFT, y: 18 }, title, 'font-weight="bold" font-size="13"')];
  if (shaded !== undefined) {
    const from = xs.at(shaded.from);
    drawn.push(
      `<rect x="${from.toFixed(1)}" y="${TOP}" width="${
        Math.max(1, xs.at(shaded.to) - from).toFixed(1)
      }" ` +
        `height="${bottom - TOP}" fill="#f3d9b1"/>`,
      text({ x: from + 3, y: TOP + 12 }, shaded.name),
    );
  }
  for (const mark of ys.marks) {
    const at = ys.at(mark).toFixed(1);
    drawn.push(
      `<path d="M${LEFT} ${at}H${right}" stroke="#ddd" fill="none"/>`,
      text({ x: LEFT - 6, y: ys.at(mark) + 4 }, mark.toLocaleString("en"), 'text-anchor="end"'),
    );
  }
  for (const mark of xs.marks) {
    drawn.push(
      text({ x: xs.at(mark), y: bottom + 15 }, mark.toLocaleString("en"), 'text-anchor="middle"'),
    );
  }
  drawn.push(
    text({ x: (LEFT + right) / 2, y: bottom + 32 }, x.label, 'text-anchor="middle"'),
    `<text transform="translate(14 ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">${
      escaped(y.label)
    }</text>`,
  );
  for (const [at, line] of lines.entries()) {
    const colour = COLOURS[at % COLOURS.length];
    const path = line.points.map((point) =>
      `${xs.at(point.x).toFixed(1)} ${ys.at(point.y).toFixed(1)}`
    );
    drawn.push(
      `<path d="M${path.join("L")}" stroke="${colour}" fill="none" stroke-width="1.5"/>`,
      text({ x: right + 10, y: TOP + 16 * (at + 1) }, line.name, `fill="${colour}"`),
    );
  }
  return drawn.join("\n");
}
