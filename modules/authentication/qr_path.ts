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
  const isDark = (at: number) => code.isDark(Math.floor(at / size), at % size);
  const dark = [...Array(size * size).keys()].filter(isDark);
  const squares = dark.map((at) => `M${at % size} ${Math.floor(at / size)}h1v1h-1z`);
  return { qr: squares.join(""), qr_size: size };
}
