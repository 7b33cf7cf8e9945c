import { assertEquals, assertStrictEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { SigningKey } from "../../crypto/primitives/curves.ts";
import { signJws } from "../../crypto/primitives/jws.ts";
import { challengeHeaderSchema, factorsPayloadSchema } from "../../protocol/auth_challenge.ts";
import { parseInput } from "../../protocol/schemas.ts";
import { fixedValues } from "./protocol_markdown.ts";

Deno.test("the answer to a challenge comes out as in docs/PROTOCOL.md", () => {
  const example = fixedValues("factors");
  const ids = fixedValues("ids");
  const payload = example.text("payload");
  const key = SigningKey.fromSeed(ids.bytes("seed_a"));
  const typ = "openred-auth+jwt";
  assertStrictEquals(signJws({ key, typ, payload }), example.text("jws"));
  const { purpose, level, nonce, module } = parseInput(
    challengeHeaderSchema,
    JSON.parse(example.text("header")),
  );
  const sb = createHash("sha256").update(example.bytes("binding")).digest();
  const said = parseInput(factorsPayloadSchema, JSON.parse(payload));
  assertEquals(
    said,
    {
      v: 3,
      iss: ids.text("a"),
      aud: ids.text("b"),
      nonce,
      purpose,
      module,
      level,
      factors: ["totp"],
      iat: 1_790_000_000,
      exp: 1_790_000_120,
      sb: encodeBase64Url(sb),
    } as typeof said,
  );
});
