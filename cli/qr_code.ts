/**
 * QR codes for terminals.
 *
 * @module
 */
import QRCode from "qrcode/lib/core/qrcode.js";

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
  const { size, data } = QRCode.create(text, { errorCorrectionLevel: "M" }).modules;
  const isLight = (row: number, column: number) => {
    const isInside = row >= 0 && column >= 0 && row < size && column < size;
    return !isInside || data[row * size + column] === 0;
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
