/**
 * QR codes for terminals.
 *
 * @module
 */
import qrcode from "qrcode-generator";
import type { Output } from "./output.ts";

/** The quiet zone that readers need on each side, in modules. */
const QUIET = 4;

/** One character shows two modules, one above the other; what is light is drawn. */
const HALVES = { both: "█", upper: "▀", lower: "▄", none: " " } as const;

/**
 * Draws a text as a QR code, light modules as blocks, so that white on black it has the colours readers expect.
 * @returns Its lines, all of one width.
 * @throws {Error} For more text than a QR code holds.
 */
export function drawQrCode(text: string): readonly string[] {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const isLight = (row: number, column: number) => {
    const isInside = row >= 0 && column >= 0 && row < size && column < size;
    return !isInside || !code.isDark(row, column);
  };
  const width = size + 2 * QUIET;
  return Array.from(
    { length: Math.ceil(width / 2) },
    (_, line) =>
      Array.from({ length: width }, (_, column) => {
        const upper = isLight(2 * line - QUIET, column - QUIET);
        const lower = isLight(2 * line + 1 - QUIET, column - QUIET);
        return HALVES[upper ? (lower ? "both" : "upper") : (lower ? "lower" : "none")];
      }).join(""),
  );
}

/** Prints a text as a QR code below an empty line, or says on `err` how much room that needs. */
export async function printQrCode(
  text: string,
  { out, err }: { readonly out: Output; readonly err: Output },
): Promise<void> {
  const lines = drawQrCode(text);
  const width = lines[0]?.length ?? 0;
  if (out.columns !== null && out.columns < width) {
    const note = `The QR code needs ${width} columns; this terminal has ${out.columns}`;
    return await err.line({ text: note, style: "yellow" });
  }
  await out.line();
  for (const line of lines) await out.line({ text: line, style: "whiteOnBlack" });
}
