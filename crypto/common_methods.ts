/**
 * Which methods two nodes have in common, in the one order that rotation counts in.
 *
 * @module
 */

/** The built-in methods come first, in this order. */
const BUILT_IN_ORDER: readonly string[] = ["alpha", "beta", "gamma", "delta"];

function compareMethods(a: string, b: string): number {
  const rankA = BUILT_IN_ORDER.indexOf(a);
  const rankB = BUILT_IN_ORDER.indexOf(b);
  if (rankA >= 0 && rankB >= 0) return rankA - rankB;
  if (rankA >= 0) return -1;
  if (rankB >= 0) return 1;
  // Method names are ASCII, where the order of UTF-16 units is that of the bytes.
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The methods that both lists name, each once: alpha, beta, gamma, delta, then others bytewise.
 * @see docs/PROTOCOL.md, "Rotation"
 */
export function commonMethods(listA: readonly string[], listB: readonly string[]): string[] {
  const inB = new Set(listB);
  return [...new Set(listA)].filter((method) => inB.has(method)).sort(compareMethods);
}
