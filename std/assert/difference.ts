/** Above this many lines on a side, the two texts are shown one after the other. */
const MAX_COMPARED_LINES = 500;

/** A value as text in full, members sorted. */
export function format(value: unknown): string {
  return Deno.inspect(value, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    strAbbreviateSize: Infinity,
  });
}

/** Lengths of the longest common tails: `table[i][j]` for `a` from i and `b` from j. */
function commonTails(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from(
    { length: a.length + 1 },
    () => new Array<number>(b.length + 1).fill(0),
  );
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i]![j] = a[i] === b[j]
        ? table[i + 1]![j + 1]! + 1
        : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
    }
  }
  return table;
}

/** What `actual` has (`-`) that `expected` has not (`+`), line by line. */
export function describeDifference(actual: string, expected: string): string {
  const a = actual.split("\n");
  const b = expected.split("\n");
  const title = "\n    [Diff] Actual / Expected\n";
  if (Math.max(a.length, b.length) > MAX_COMPARED_LINES) {
    return [
      title,
      ...a.map((line) => `-   ${line}`),
      ...b.map((line) => `+   ${line}`),
    ].join("\n");
  }
  const table = commonTails(a, b);
  const lines = [title];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`    ${a[i++]}`);
      j++;
    } else if (
      j >= b.length || (i < a.length && table[i + 1]![j]! >= table[i]![j + 1]!)
    ) {
      lines.push(`-   ${a[i++]}`);
    } else {
      lines.push(`+   ${b[j++]}`);
    }
  }
  return lines.join("\n") + "\n";
}
