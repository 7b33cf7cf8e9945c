/**
 * QR codes for pages.
 *
 * @module
 */

/** Draws the dark modules of a text's QR code: path data of SVG, a unit for each, without the quiet zone. */
export async function qrPath(
  text: string,
): Promise<{ readonly qr: string; readonly qr_size: number }> {
  const { default: qrcode } = await import("qrcode-generator");
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const places = Array.from({ length: size * size }, (_, at) => [Math.floor(at / size), at % size]);
  const dark = places.filter(([row, column]) => code.isDark(row!, column!));
  const squares = dark.map(([row, column]) => `M${column} ${row}h1v1h-1z`);
  return { qr: squares.join(""), qr_size: size };
}
