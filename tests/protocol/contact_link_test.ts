import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeNodeId } from "../../crypto/encoding.ts";
import {
  formatContactLink,
  MAX_CONTACT_LINK_LENGTH,
  parseContactLink,
} from "../../protocol/contact_link.ts";
import { anyCodePoint } from "../world/any_code_point.ts";

const ID = encodeNodeId(new Uint8Array(32).fill(7));
const U = "u=https%3A%2F%2Fnode.example%2Fr";
const D = "d=http%3A%2F%2F%5B%3A%3A1%5D%3A7600";

Deno.test("parseContactLink() reads id, URL and directory, in any order", () => {
  const both = {
    nodeId: ID,
    apiUrl: "https://node.example/r",
    directoryUrl: "http://[::1]:7600",
  };
  assertEquals(parseContactLink(`openred:${ID}?${U}&${D}`), both);
  assertEquals(parseContactLink(`openred:${ID}?${D}&${U}`), both);
  assertEquals(parseContactLink(`openred:${ID}?u=https://node.example/r&${D}`), both);
  const none = { nodeId: ID, apiUrl: null, directoryUrl: null };
  assertEquals(parseContactLink(`openred:${ID}`), none);
  assertEquals(parseContactLink(`openred:${ID}?`), none);
});

Deno.test("parseContactLink() takes the scheme in capitals, as all schemes may be", () => {
  for (const scheme of ["OPENRED:", "OpenRed:"]) {
    assertEquals(parseContactLink(`${scheme}${ID}?${U}`).apiUrl, "https://node.example/r");
  }
});

Deno.test("parseContactLink() ignores parameters it does not know, however often they come", () => {
  const link = `openred:${ID}?x=1&x=2&du=3&${U}&&=&ud&%zz=%zz`;
  assertEquals(parseContactLink(link).apiUrl, "https://node.example/r");
});

Deno.test("parseContactLink() refuses every other text", () => {
  const wrong = [
    "",
    ID,
    "openred:",
    `openred://${ID}`,
    `openred: ${ID}`,
    `openred:${ID.slice(0, -1)}`,
    `openred:${ID}#x`,
    `openred:${ID}/`,
    `openred:${ID}?${U}#x`,
    `openred:${ID}?${U}?${D}`,
    `openred:${ID}?${U}&${U}`,
    `openred:${ID}?${D}&d`,
    `openred:${ID}?u`,
    `openred:${ID}?u=`,
    `openred:${ID}?u=%`,
    `openred:${ID}?u=%ff`,
    `openred:${ID}?${U}%2F`,
    `openred:${ID}?u=ftp%3A%2F%2Fa`,
    `openred:${ID}?u=https%3A%2F%2Fa%3Fb`,
    `openred:${ID}?u=https%3A%2F%2Fu%40a`,
    `openred:${ID}?u=HTTPS%3A%2F%2Fa`,
    `openred:${ID}?u=https%3A%2F%2F${"a".repeat(300)}`,
    `openred:${ID}?x=${"a".repeat(MAX_CONTACT_LINK_LENGTH)}`,
  ];
  for (const text of wrong) {
    assertThrows(() => parseContactLink(text), RangeError, "expected", text);
  }
});

Deno.test("formatContactLink() writes what parseContactLink() reads", () => {
  const urls = fc.option(
    fc.tuple(fc.domain(), fc.stringMatching(/^[a-z0-9_-]{1,20}$/), fc.nat(65535))
      .map(([host, path, port]) => new URL(`https://${host}:${port}/${path}`).href),
  );
  fc.assert(fc.property(urls, urls, (apiUrl, directoryUrl) => {
    const link = { nodeId: ID, apiUrl, directoryUrl };
    assertEquals(parseContactLink(formatContactLink(link)), link);
  }));
});

Deno.test("parseContactLink() throws nothing but RangeError, whatever it is given", () => {
  const texts = fc.oneof(
    fc.string({ unit: anyCodePoint }),
    fc.string({ unit: anyCodePoint }).map((text) => `openred:${ID}?${text}`),
    fc.array(fc.constantFrom("u", "d", "=", "&", "?", "%", "https://a", "%2F", "#")).map((parts) =>
      `openred:${ID}?${parts.join("")}`
    ),
  );
  fc.assert(fc.property(texts, (text) => {
    try {
      parseContactLink(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }));
});
