import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { OpenRedError } from "../../protocol/errors.ts";
import { classifyAddress } from "../../protocol/special_addresses.ts";
import { checkAddress, checkUrl, checkUrlText } from "../../protocol/url_policy.ts";

const PUBLIC = { allowPrivate: false };
const PRIVATE = { allowPrivate: true };

function assertRefused(text: string, options = PUBLIC): void {
  const error = assertThrows(() => checkUrlText(text, options), OpenRedError, undefined, text);
  assertEquals(error.code, "url_refused", text);
}

Deno.test("checkUrlText() takes public URLs in their normal form", () => {
  for (
    const text of [
      "https://relay.example",
      "https://relay.example:8443",
      "https://relay.example/r/z6Mk",
      "https://xn--bcher-kva.example",
      "http://93.184.216.34",
      "http://93.184.216.34:8080/a",
      "https://93.184.216.34",
      "http://[2606:2800:220:1::1]",
      "https://[2606:2800:220:1::1]:444/a%20b",
      "https://" + "a".repeat(60) + ".example/" + "b".repeat(256 - 77),
    ]
  ) checkUrlText(text, PUBLIC);
});

Deno.test("checkUrlText() gives the host without brackets", () => {
  assertEquals(checkUrlText("https://a.example/x", PUBLIC), {
    host: "a.example",
    isAddress: false,
  });
  assertEquals(checkUrlText("http://[2606::1]:80/x".replace(":80", ""), PUBLIC), {
    host: "2606::1",
    isAddress: true,
  });
});

Deno.test("checkUrlText() refuses every special address", () => {
  for (
    const host of [
      "0.0.0.0",
      "0.1.2.3",
      "10.0.0.1",
      "10.255.255.255",
      "100.64.0.1",
      "100.127.255.255",
      "127.0.0.1",
      "127.255.0.1",
      "169.254.169.254",
      "172.16.0.1",
      "172.31.255.255",
      "192.0.0.8",
      "192.0.2.1",
      "192.88.99.1",
      "192.168.0.1",
      "198.18.0.1",
      "198.19.255.255",
      "198.51.100.1",
      "203.0.113.1",
      "224.0.0.1",
      "239.255.255.255",
      "240.0.0.1",
      "255.255.255.255",
      "[::]",
      "[::1]",
      "[::7f00:1]",
      "[::ffff:7f00:1]",
      "[::ffff:5db8:d822]",
      "[::ffff:0:7f00:1]",
      "[64:ff9b::7f00:1]",
      "[64:ff9b::5db8:d822]",
      "[64:ff9b:1::1]",
      "[100::1]",
      "[2001::1]",
      "[2001:0:4137:9e76::1]",
      "[2001:10::1]",
      "[2001:1ff::1]",
      "[2001:db8::1]",
      "[2002:7f00:1::1]",
      "[3fff::1]",
      "[5f00::1]",
      "[fc00::1]",
      "[fd12:3456::1]",
      "[fe80::1]",
      "[febf::1]",
      "[fec0::1]",
      "[ff02::1]",
    ]
  ) {
    assertRefused(`http://${host}`);
    assertRefused(`https://${host}:8443/a`);
    checkUrlText(`http://${host}`, PRIVATE);
  }
});

Deno.test("checkAddress() takes the neighbours of special ranges", () => {
  for (
    const address of [
      "1.0.0.0",
      "9.255.255.255",
      "11.0.0.0",
      "100.63.255.255",
      "100.128.0.0",
      "126.255.255.255",
      "128.0.0.0",
      "169.253.255.255",
      "172.15.255.255",
      "172.32.0.0",
      "192.0.1.0",
      "192.167.255.255",
      "198.17.255.255",
      "198.20.0.0",
      "223.255.255.255",
      "2001:200::1",
      "2001:db7::1",
      "2003::1",
      "3ffe::1",
    ]
  ) checkAddress(address, PUBLIC);
});

Deno.test("checkUrlText() refuses what is not the normal form", () => {
  for (
    const text of [
      "",
      "relay.example",
      "https:relay.example",
      "https://",
      "HTTPS://relay.example",
      "https://Relay.example",
      "https://relay.example/",
      "https://relay.example/a/",
      "https://relay.example:443",
      "http://93.184.216.34:80",
      "https://relay.example:08443",
      "https://relay.example/a/../b",
      "https://relay.example/./a",
      "https://relay.example/a b",
      " https://relay.example",
      "https://relay.example\n",
      "https://relay.example\\a",
      "https://bücher.example",
      "https://relay.example/é",
      "http://0x7f.1",
      "http://2130706433",
      "http://127.1",
      "http://0177.0.0.1",
      "http://93.184.216.034",
      "http://[2606:2800:220:1:0:0:0:1]",
      "http://[2606:2800:220:1::ABCD]",
      "http://[fe80::1%25eth0]",
      "http://[::ffff:127.0.0.1]",
      "http://127.0.0.1.",
      "https://[::1",
      "https://relay.example:99999",
      "https://" + "a".repeat(60) + ".example/" + "b".repeat(257 - 77),
    ]
  ) {
    assertRefused(text);
    assertRefused(text, PRIVATE);
  }
});

Deno.test("checkUrlText() refuses credentials, queries, fragments and other schemes", () => {
  for (
    const text of [
      "https://user@relay.example",
      "https://user:secret@relay.example",
      "https://:@relay.example",
      "https://@relay.example",
      "https://relay.example@127.0.0.1",
      "https://relay.example?a=b",
      "https://relay.example/a?",
      "https://relay.example#a",
      "https://relay.example/a#",
      "ftp://relay.example",
      "ws://93.184.216.34",
      "file:///etc/passwd",
      "data:text/plain,a",
      "javascript:alert(1)",
    ]
  ) {
    assertRefused(text);
    assertRefused(text, PRIVATE);
  }
});

Deno.test("checkUrlText() takes http with a name only where private URLs are allowed", () => {
  assertRefused("http://relay.example");
  assertRefused("http://localhost:8080");
  checkUrlText("http://localhost:8080", PRIVATE);
});

function resolving(...addresses: string[]) {
  const asked: string[] = [];
  const resolver = {
    resolve(host: string): Promise<readonly string[]> {
      asked.push(host);
      return Promise.resolve(addresses);
    },
  };
  return { asked, resolver };
}

Deno.test("checkUrl() wants every resolved address to be public", async () => {
  const { asked, resolver } = resolving("93.184.216.34", "2606:2800:220:1::1");
  await checkUrl("https://relay.example:8443/a", { ...PUBLIC, resolver });
  assertEquals(asked, ["relay.example"]);
  for (const bad of ["127.0.0.1", "::1", "::ffff:10.0.0.1", "fe80::1%eth0", "not an address"]) {
    const error = await assertRejects(
      () => checkUrl("https://relay.example", { ...PUBLIC, ...resolving("93.184.216.34", bad) }),
      OpenRedError,
    );
    assertEquals(error.code, "url_refused", bad);
  }
});

Deno.test("checkUrl() finds a name without address unreachable", async () => {
  const error = await assertRejects(
    () => checkUrl("https://relay.example", { ...PUBLIC, ...resolving() }),
    OpenRedError,
  );
  assertEquals(error.code, "unreachable");
});

Deno.test("checkUrl() resolves nothing for an address literal", async () => {
  const { asked, resolver } = resolving("127.0.0.1");
  await checkUrl("http://93.184.216.34", { ...PUBLIC, resolver });
  await checkUrl("http://127.0.0.1:8080", { ...PRIVATE, resolver });
  await assertRejects(() => checkUrl("http://127.0.0.1", { ...PUBLIC, resolver }), OpenRedError);
  assertEquals(asked, []);
});

Deno.test("classifyAddress() reads what URL writes, and nothing else", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
    const host = new URL(`http://${address.includes(":") ? `[${address}]` : address}`).hostname;
    assertEquals(classifyAddress(host.replace(/^\[|\]$/g, "")), classifyAddress(address));
    assertEquals(classifyAddress(address) === null, false);
  }));
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."0123456789abcdef:.%") }), (text) => {
    const parses = URL.canParse(`http://[${text}]`) || /^(\d{1,3}\.){3}\d{1,3}$/.test(text);
    if (!parses && !text.includes("%")) assertEquals(classifyAddress(text), null);
  }));
});

Deno.test("checkUrlText() throws nothing but url_refused on any text", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.webUrl()), fc.boolean(), (text, allowPrivate) => {
    try {
      checkUrlText(text, { allowPrivate });
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      assertEquals(error.code, "url_refused");
    }
  }));
});
