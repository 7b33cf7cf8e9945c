/**
 * QR codes for pages.
 *
 * @module
 */

/** Draws the dark modules of a text's QR code: path data of SVG, a unit for each, without the quiet zone. */
export async function qrPath(
  text: string,
): Promise<{ readonly qr: string; readonly qr_size: number }> {
  const { default: QRCode } = await import("qrcode/lib/core/qrcode.js");
  const { size, data } = QRCode.create(text, { errorCorrectionLevel: "M" }).modules;
  const dark = [...data.keys()].filter((at) => data[at] !== 0);
  const squares = dark.map((at) => `M${at % size} ${Math.floor(at / size)}h1v1h-1z`);
  return { qr: squares.join(""), qr_size: size };
}
