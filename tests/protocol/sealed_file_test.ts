import { assertEquals } from "@std/assert";
import { SealedLayout } from "../../protocol/sealed_file.ts";

const MIB = 2 ** 20;

Deno.test("SealedLayout puts the sealed layer before the sealed chunks, each 16 bytes longer", () => {
  const layout = new SealedLayout(2 * MIB + 5);
  assertEquals([layout.layerBytes, layout.layerSlices, layout.count], [96, 1, 4]);
  const slices = [0, 1, 2, 3].map((index) => layout.slice(index));
  assertEquals(slices.map(({ part, number, at, length }) => [part, number, at, length]), [
    ["layer", 0, 0, 96],
    ["data", 0, 0, MIB],
    ["data", 1, MIB, MIB],
    ["data", 2, 2 * MIB, 5],
  ]);
  const offsets = [0, 1, 2, 3, 4].map((index) => layout.offsetOf(index));
  assertEquals(offsets, [0, 112, 112 + MIB + 16, 112 + 2 * MIB + 32, 112 + 2 * MIB + 32 + 21]);
  assertEquals(layout.bytes, offsets[4]);
});

Deno.test("SealedLayout tells the borders of slices from everything else", () => {
  for (const bytes of [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB, 40_000 * MIB, 131_072 * MIB]) {
    const layout = new SealedLayout(bytes);
    for (const index of [0, 1, 2, 3, 4, layout.count - 1, layout.count]) {
      if (index < 0 || index > layout.count) continue;
      const offset = layout.offsetOf(index);
      assertEquals([bytes, layout.indexAt(offset)], [bytes, index]);
      assertEquals([bytes, layout.indexAt(offset + 1)], [bytes, null]);
    }
    assertEquals(layout.indexAt(layout.bytes + 1), null);
    if (bytes > 0) assertEquals(layout.indexAt(layout.bytes - 1), null);
  }
});

Deno.test("SealedLayout has no layer for one chunk, and up to four sealed parts of it", () => {
  assertEquals([new SealedLayout(0).count, new SealedLayout(0).bytes], [0, 0]);
  assertEquals([new SealedLayout(MIB).layerSlices, new SealedLayout(MIB).bytes], [0, MIB + 16]);
  assertEquals(new SealedLayout(32_768 * MIB).layerSlices, 1);
  assertEquals(new SealedLayout(32_769 * MIB).layerSlices, 2);
  assertEquals(new SealedLayout(131_072 * MIB).layerSlices, 4);
});
