/** One import, export-from or `import()` of a source text. */
export interface ImportStatement {
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
}

/**
 * Blanks out comments, and nothing that strings, templates or regular expressions hold; lines and
 * positions stay.
 */
function blankComments(source: string): string {
  // The alternatives before the comments are what may hold something that only looks like one.
  const pattern =
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[^]|[^`\\])*`|(?<=[(,=:[!&|?{};]\s*|return\s+)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/|\/\*[^]*?\*\/|\/\/[^\n]*/g;
  return source.replace(
    pattern,
    (match) => /^\/[*/]/.test(match) ? match.replaceAll(/[^\n]/g, " ") : match,
  );
}

/** Finds every import of a source text, static or not, also of types only. */
export function findImports(source: string): ImportStatement[] {
  const text = blankComments(source);
  const pattern =
    /(?:^|[;}\n])\s*(?:import|export)\b(?:[^"'`;()]*?\bfrom)?\s*(["'])(?<static>[^"'\n]+)\1|\bimport\s*\(\s*(["'`])(?<dynamic>[^"'`\n]+)\3/g;
  const found: ImportStatement[] = [];
  for (const match of text.matchAll(pattern)) {
    const specifier = (match.groups?.static ?? match.groups?.dynamic)!;
    const at = match.index + match[0].length;
    found.push({ specifier, line: text.slice(0, at).split("\n").length });
  }
  return found;
}
