import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeBase64Url, encodeNodeId, encodeUtf8 } from "../../crypto/encoding.ts";
import {
  formatContactLink,
  MAX_CONTACT_LINK_LENGTH,
  parseContactLink,
} from "../../protocol/contact_link.ts";
import { anyCodePoint } from "../world/any_code_point.ts";

const ID = encodeNodeId(new Uint8Array(32).fill(7));
const U = "u=https%3A%2F%2Fnode.example%2Fr";
const D = "d=http%3A%2F%2F%5B%3A%3A1%5D%3A7600";

const NONE = { nodeId: ID, apiUrl: null, directoryUrl: null, invitation: null };
const BASE32 = "aaaqeayeaudaocajbifqydiob4";
const SECRET = Uint8Array.from({ length: 16 }, (_, index) => index);

function base64(url: string): string {
  return encodeBase64Url(encodeUtf8(url));
}

Deno.test("parseContactLink() reads id, URL, directory and invitation, in any order", () => {
  const all = {
    nodeId: ID,
    apiUrl: "https://node.example/r",
    directoryUrl: "https://dir.example:7600",
    invitation: SECRET,
  };
  const u = `ub/${base64("https://node.example/r")}`;
  assertEquals(parseContactLink(`openred:${ID}/d/dir.example:7600/${u}/i/${BASE32}`), all);
  assertEquals(parseContactLink(`openred:${ID}/i/${BASE32}/${u}/d/dir.example:7600`), all);
  const local = `db/${base64("http://[::1]:7600")}`;
  assertEquals(parseContactLink(`openred:${ID}/${local}`), {
    ...NONE,
    directoryUrl: "http://[::1]:7600",
  });
  assertEquals(parseContactLink(`openred:${ID}`), NONE);
});

Deno.test("parseContactLink() forgives case, blanks, line breaks, brackets and the page around a link", () => {
  const right = { ...NONE, directoryUrl: "https://dir.example", invitation: SECRET };
  const rest = `${ID}/d/dir.example/i/${BASE32}`;
  const forgiven = [
    `OPENRED:${rest}`,
    `  OpenRed:${rest}\r\n`,
    `<openred:${rest}>`,
    `openred: ${rest}`,
    `openred:${ID}/D/DIR.example/I/${BASE32.toUpperCase()}`,
    `openred:${ID}/d/dir.exa\n> mple/i/${BASE32.slice(0, 9)} \u200b${BASE32.slice(9)}`,
    `https://dir.example/i/#openred:${rest}`,
    `<HTTPS://dir.example:7600/i/#OPENRED:${rest}>`,
  ];
  for (const text of forgiven) assertEquals(parseContactLink(text), right, text);
});

Deno.test("parseContactLink() ignores pairs it does not know, however often they come", () => {
  const link = parseContactLink(`openred:${ID}/x/1/x/2/dd/%zz/d/dir.example/__proto__/1`);
  assertEquals(link, { ...NONE, directoryUrl: "https://dir.example" });
});

Deno.test("parseContactLink() reads links of the former form", () => {
  const both = { ...NONE, apiUrl: "https://node.example/r", directoryUrl: "http://[::1]:7600" };
  assertEquals(parseContactLink(`openred:${ID}?${U}&${D}`), both);
  assertEquals(parseContactLink(`OPENRED:${ID}?${D}&${U}`), both);
  assertEquals(parseContactLink(`openred:${ID}?u=https://node.example/r&${D}`), both);
  assertEquals(parseContactLink(`openred:${ID}?`), NONE);
  const link = `openred:${ID}?x=1&x=2&du=3&${U}&&=&ud&%zz=%zz`;
  assertEquals(parseContactLink(link).apiUrl, "https://node.example/r");
});

Deno.test("parseContactLink() refuses every other text", () => {
  const wrong = [
    "",
    ID,
    "openred:",
    `openred://${ID}`,
    `openred:${ID.slice(0, -1)}`,
    `openred:${ID.toLowerCase()}`,
    `openred:${ID}#x`,
    `openred:${ID}/`,
    `openred:${ID}/d`,
    `openred:${ID}/d/`,
    `openred:${ID}/d/dir.example/`,
    `openred:${ID}/d/dir.example/d/dir.example`,
    `openred:${ID}/d/dir.example/db/${base64("https://a.example")}`,
    `openred:${ID}/d/dir.example?x`,
    `openred:${ID}/d/[::1]`,
    `openred:${ID}/d/user@dir.example`,
    `openred:${ID}/d/dir.example:443`,
    `openred:${ID}/d/dir.example:99999`,
    `openred:${ID}/db/${base64("ftp://dir.example")}`,
    `openred:${ID}/db/${base64("https://dir.example/")}`,
    `openred:${ID}/db/dir.example`,
    `openred:${ID}/db/_w`,
    `openred:${ID}/i/${BASE32.slice(1)}`,
    `openred:${ID}/i/${BASE32.slice(0, -1)}5`,
    `openred:${ID}/i/${BASE32}a`,
    `openred:${ID}/i/${BASE32.replace("q", "0")}`,
    `openred:${ID}/i/${BASE32}/I/${BASE32}`,
    `https://dir.example/i/?openred:${ID}`,
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

/** Links to nodes and directories anywhere, invitations among them. */
const links = (() => {
  const hosts = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6().map((address) => `[${address}]`));
  const url = fc.tuple(
    fc.constantFrom("https", "http"),
    hosts,
    fc.option(fc.nat(65535)),
    fc.constantFrom("", "/r", "/a_b/c~d"),
  ).map(([scheme, host, port, path]) =>
    new URL(`${scheme}://${host}${port === null ? "" : `:${port}`}${path}`).href.replace(/\/$/, "")
  );
  return fc.record({
    nodeId: fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((key) =>
      key.some((byte) => byte > 9)
    )
      .map((key) => encodeNodeId(key)),
    apiUrl: fc.option(url),
    directoryUrl: fc.option(url),
    invitation: fc.option(
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Uint8Array.from(bytes)),
    ),
  });
})();

Deno.test("formatContactLink() writes what parseContactLink() reads, in signs that every shell leaves alone", () => {
  fc.assert(fc.property(links, (link) => {
    const text = formatContactLink(link);
    assertEquals(parseContactLink(text), link);
    assertMatch(text, /^[A-Za-z0-9:/._-]+$/);
  }));
});

Deno.test("parseContactLink() reads a link that was broken anywhere", () => {
  const breaks = fc.constantFrom(" ", "\n", "\r\n> ", "\t", "\u00ad", "\u200b");
  fc.assert(fc.property(links, fc.nat(), breaks, (link, place, inserted) => {
    const text = formatContactLink(link);
    const at = place % (text.length + 1);
    assertEquals(parseContactLink(text.slice(0, at) + inserted + text.slice(at)), link);
  }));
});

Deno.test("parseContactLink() throws nothing but RangeError, whatever it is given", () => {
  const parts = ["u", "d", "db", "i", "/", "=", "&", "?", "%", "https://a", "%2F", "#", BASE32];
  const texts = fc.oneof(
    fc.string({ unit: anyCodePoint }),
    fc.string({ unit: anyCodePoint }).map((text) => `openred:${ID}?${text}`),
    fc.string({ unit: anyCodePoint }).map((text) => `openred:${ID}/d/${text}`),
    fc.array(fc.constantFrom(...parts)).map((some) => `openred:${ID}${some.join("")}`),
  );
  fc.assert(fc.property(texts, (text) => {
    try {
      parseContactLink(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }));
});
