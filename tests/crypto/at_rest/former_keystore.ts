/**
 * A keystore of the form that had no storage root, as an earlier version of this program sealed it.
 *
 * @module
 */
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { fromHex, repeated } from "../../vectors/read_vectors.ts";

/** Sealed under `correct horse`, at 8 KiB and one pass. */
export const FORMER_KEYSTORE = fromHex(
  "4f524b45595330310000000800000001000102030405060708090a0b0c0d0e0f000102030405060708090a0b" +
    "fb36890de14204856aa83813b97456a8dfb3deb34ad9eaec9f9e2a7f49d62c5c9e338c6d811074b7c68ac1d1e2dc3ccdc5f71637" +
    "1fc2d315dfffb4cfe287b46abba19bcc21795544afe2596a4b8db81df40d1c17456bbf03a0829974bdb272640b88a8eab8ae6ea3" +
    "491b1826c6cbad4b",
);

export const FORMER_SECRET = "correct horse";
export const FORMER_CONTENT = { seed: repeated(1), noiseKeys: [repeated(2), repeated(3)] };

export function formerSecret(): Uint8Array {
  return encodeUtf8(FORMER_SECRET);
}
