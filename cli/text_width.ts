/**
 * Columns that a text takes on a terminal, and texts made to fit so many.
 *
 * @module
 */

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;

/** Has the sign before it shown as a picture, which some terminals make wide. */
const AS_PICTURE = "\ufe0f";

function widthOf(character: string): number {
  if (character === AS_PICTURE) return 1;
  if (/[\p{M}\p{Cf}]/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Columns that a text takes, nearly; rather too many than too few. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

const SEGMENTER = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The signs of a text, as people count them. */
export function graphemesOf(text: string): string[] {
  return Array.from(SEGMENTER.segment(text), ({ segment }) => segment);
}

/** Columns that one sign takes, whatever it is made of. */
export function graphemeWidth(grapheme: string): number {
  return grapheme.includes("\ufe0f") ? 2 : Math.min(2, displayWidth(grapheme));
}

/** The beginning of a text that takes so many columns at most; at least one character of it. */
function beginOf(text: string, width: number): string {
  let begin = "";
  let left = width;
  for (const character of text) {
    left -= widthOf(character);
    if (begin !== "" && left < 0) break;
    begin += character;
  }
  return begin;
}

/** A text that takes so many columns at most, with an ellipsis for what is left out. */
export function cutText(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  return width < 2 ? "…" : `${beginOf(text, width - 1).replace(/…$/, "")}…`;
}

/** A text in lines of so many columns, broken between words where that is possible. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  let columns = 0;
  for (const sign of graphemesOf(text)) {
    const wide = displayWidth(sign);
    while (line !== "" && columns + wide > width) {
      const blank = sign === " " ? line.length : line.lastIndexOf(" ");
      const whole = blank > 0 ? line.slice(0, blank) : line;
      lines.push(whole);
      line = line.slice(whole.length).trimStart();
      columns = displayWidth(line);
    }
    if (line === "" && lines.length > 0 && sign === " ") continue;
    line += sign;
    columns += wide;
  }
  return [...lines, line];
}

/** Prose in lines of so many columns. Paragraphs, and lines that begin with a blank, stay what they are. */
export function wrapProse(text: string, width: number): string {
  const paragraphs: string[] = [];
  let open: string[] = [];
  const end = () => {
    if (open.length > 0) paragraphs.push(...wrapText(open.join(" "), width));
    open = [];
  };
  for (const line of text.split("\n")) {
    if (line !== "" && !line.startsWith(" ")) open.push(line);
    else {
      end();
      paragraphs.push(line);
    }
  }
  end();
  return paragraphs.join("\n");
}
