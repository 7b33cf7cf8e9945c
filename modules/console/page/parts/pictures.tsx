/**
 * Pictures that the console draws: codes to scan, and those of safety numbers.
 *
 * @module
 */
import qrcode from "qrcode-generator";
import type { SafetyPicture } from "../safety.ts";

/** A text as a code for cameras: black on white in either theme, with the rim that readers need. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let path = "";
  for (let at = 0; at < size * size; at++) {
    const [row, column] = [Math.floor(at / size), at % size];
    if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`;
  }
  return (
    <svg class="qr" viewBox={`-4 -4 ${size + 8} ${size + 8}`} role="img" aria-label={label}>
      <rect x="-4" y="-4" width={size + 8} height={size + 8} fill="#fff" />
      <path d={path} fill="#000" shape-rendering="crispEdges" />
    </svg>
  );
}

export function SafetyImage({ picture, label }: { picture: SafetyPicture; label: string }) {
  const { cells, hue } = picture;
  const colours = ["", `hsl(${hue} 60% 40%)`, `hsl(${(hue + 150) % 360} 55% 50%)`];
  return (
    <svg class="safety" viewBox="-1 -1 11 11" role="img" aria-label={label}>
      <rect x="-1" y="-1" width="11" height="11" rx="1.2" fill="#f6f3ee" />
      {cells.map((row, y) =>
        row.map((cell, x) =>
          cell === 0 ? null : (
            <rect
              key={`${x} ${y}`}
              x={x}
              y={y}
              width="1.02"
              height="1.02"
              fill={colours[cell]!}
            />
          )
        )
      )}
    </svg>
  );
}
