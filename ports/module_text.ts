/**
 * A module's file as text: refused where it could import, its default export turned into what a script can say.
 *
 * @module
 */

/** A module's text that can be run, or why not. */
export type ReadModuleText =
  | { readonly script: string }
  | { readonly why: "import_refused" | "load_failed"; readonly detail: string };

/**
 * The word with whatever can follow it in `import(…)`, `import.meta` and `import.defer(…)`, comments of all four kinds
 * between the two included. A keyword cannot be written with escapes, and code made of text is off where modules run,
 * so that no import gets past this. Some comments and texts are refused with it, which hurts nobody.
 */
const IMPORT_EXPRESSION = /\bimport\s*[(./<-]/;

/** At the beginning of a statement, as people and bundlers write it. */
const DEFAULT_EXPRESSION = /(^|[;}\n])([ \t]*)export\s+default\b/g;
const DEFAULT_NAME =
  /(^|[;}\n])([ \t]*)export\s*\{\s*([\p{ID_Continue}$]+)\s+as\s+default\s*,?\s*\}/gu;

/** What the default export is assigned to. */
const HOLDER = "$openredExports.default";

/**
 * Makes a script of a module's text: an expression, whose value is an async function that takes an object and sets its
 * member `default`. Line numbers stay as they are.
 */
export function readModuleText(text: string): ReadModuleText {
  if (IMPORT_EXPRESSION.test(text)) {
    return { why: "import_refused", detail: "A module imports nothing: it is one file" };
  }
  const exports = [...text.matchAll(DEFAULT_EXPRESSION), ...text.matchAll(DEFAULT_NAME)];
  if (exports.length > 1) {
    return { why: "load_failed", detail: "A module has one default export" };
  }
  const body = text
    .replace(/^#!.*/, "")
    .replace(DEFAULT_EXPRESSION, `$1$2${HOLDER} =`)
    .replace(DEFAULT_NAME, `$1$2${HOLDER} = $3`);
  return { script: `(async ($openredExports) => { "use strict"; ${body}\n})` };
}
