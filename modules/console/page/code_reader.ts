/**
 * Finds a QR code in a picture, for browsers that cannot do it themselves. A file of its own, loaded where a code is
 * scanned.
 *
 * @module
 */
import decodeQR from "qr/decode.js";

/** @param picture What `CanvasRenderingContext2D.getImageData` gives. @returns Its text, or `null` without a code. */
export function readCode(picture: {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}): string | null {
  try {
    return decodeQR(picture);
  } catch {
    return null;
  }
}
