import { assertEquals } from "@std/assert";
import * as v from "valibot";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { backupInputSchema } from "../../protocol/admin_api.ts";

Deno.test("backupInputSchema takes passphrases of 1 to 1024 bytes", () => {
  for (const [length, isTaken] of [[0, false], [1, true], [1024, true], [1025, false]] as const) {
    const passphrase = encodeBase64Url(new Uint8Array(length));
    assertEquals(v.is(backupInputSchema, { passphrase }), isTaken, `${length} bytes`);
  }
});
