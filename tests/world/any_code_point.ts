import fc from "fast-check";

const SURROGATES_BEGIN = 0xd800;
const SURROGATES = 0x800;

function toText(index: number): string {
  return String.fromCodePoint(index < SURROGATES_BEGIN ? index : index + SURROGATES);
}

/** What {@linkcode toText} made a text of; fast-check asks, and takes an error for a no. */
function toIndex(text: unknown): number {
  if (typeof text !== "string" || [...text].length !== 1 || !text.isWellFormed()) {
    throw new TypeError("Expected one code point");
  }
  const codePoint = text.codePointAt(0)!;
  return codePoint < SURROGATES_BEGIN ? codePoint : codePoint - SURROGATES;
}

/**
 * The unit of texts of any characters, in which ASCII is frequent enough to be read as syntax now and then. The unit
 * "binary" of fast-check is the same but for that; making it takes a second, in each test file anew.
 */
export const anyCodePoint: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 0x10ffff - SURROGATES }).map(toText, toIndex), weight: 9 },
  { arbitrary: fc.integer({ min: 0, max: 0x7f }).map(toText, toIndex), weight: 1 },
);
