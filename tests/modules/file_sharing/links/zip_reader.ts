/**
 * Reads a zip file as its list says it is, and checks that each entry says the same of itself.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";

const LOCATOR_BYTES = 20;
const ENDING_BYTES = 22;

/** @returns What is in each entry by its name; of a folder, nothing. */
export function readZip(bytes: Uint8Array): Record<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u64 = (at: number) => Number(view.getBigUint64(at, true));
  const end = bytes.length - ENDING_BYTES;
  assertEquals(view.getUint32(end, true), 0x0605_4b50);
  const isLong = view.getUint16(end + 10, true) === 0xffff;
  const long = isLong ? u64(end - LOCATOR_BYTES + 8) : 0;
  const count = isLong ? u64(long + 32) : view.getUint16(end + 10, true);
  let at = isLong ? u64(long + 48) : view.getUint32(end + 16, true);
  const entries: Record<string, Uint8Array> = {};
  for (let entry = 0; entry < count; entry++) {
    assertEquals(view.getUint32(at, true), 0x0201_4b50);
    const [crc, size] = [view.getUint32(at + 16, true), view.getUint32(at + 24, true)];
    const nameLength = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    const raw = bytes.subarray(at + 46, at + 46 + nameLength);
    const name = new TextDecoder("utf-8", { fatal: true }).decode(raw);
    assertEquals([view.getUint32(local, true), view.getUint32(local + 14, true)], [
      0x0403_4b50,
      crc,
    ]);
    assertEquals(bytes.subarray(local + 30, local + 30 + nameLength), raw);
    const content = bytes.subarray(local + 30 + nameLength, local + 30 + nameLength + size);
    assertEquals([content.length, crc32(content)], [size, crc]);
    assertEquals(Object.hasOwn(entries, name), false);
    entries[name] = content;
    at += 46 + nameLength + view.getUint16(at + 30, true);
  }
  return entries;
}
