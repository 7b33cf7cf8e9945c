import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";

const PROXIES = TrustedProxies.parse("127.0.0.1, 10.0.0.0/8,::1,fd00::/8")!;

function clientOf(headers: Record<string, string>, connection = "127.0.0.1"): string {
  return PROXIES.clientOf(connection, { headers: new Headers(headers) });
}

Deno.test("TrustedProxies.parse() takes addresses and networks, and nothing else", () => {
  const good = ["127.0.0.1", "10.1.2.3/8", "::1", "fd00::/8", "::ffff:10.0.0.1/128", "1.2.3.4/32"];
  for (const text of good) assert(TrustedProxies.parse(text) !== null, text);
  const bad = [
    ...["", ",", "127.0.0.1,", "localhost", "10.0.0.0/33", "::/129", "0.0.0.0/0", "::/0"],
    ...[
      "10.0.0.0/-1",
      "10.0.0.0/8/8",
      "10.0.0.0/08",
      "10.0.0.0/",
      "010.0.0.1",
      "[::1]",
      "fe80::1%2",
    ],
    Array(65).fill("127.0.0.1").join(),
  ];
  for (const text of bad) assertEquals(TrustedProxies.parse(text), null, text);
});

Deno.test("clientOf() believes nobody but a trusted proxy", () => {
  const headers = { "x-forwarded-for": "198.51.100.7", forwarded: "for=198.51.100.7" };
  assertEquals(clientOf(headers), "198.51.100.7");
  assertEquals(clientOf(headers, "::ffff:127.0.0.1"), "198.51.100.7");
  assertEquals(clientOf(headers, "fd12::3"), "198.51.100.7");
  for (const connection of ["192.0.2.1", "2001:db8::1", "11.0.0.1", "somebody"]) {
    assertEquals(clientOf(headers, connection), connection);
  }
  assertEquals(
    TrustedProxies.NONE.clientOf("127.0.0.1", { headers: new Headers(headers) }),
    "127.0.0.1",
  );
  assertEquals(clientOf({}), "127.0.0.1");
});

Deno.test("clientOf() takes the rightmost address that is not a proxy's, whatever stands before it", () => {
  const outcomes: [string, string][] = [
    ["198.51.100.7", "198.51.100.7"],
    ["1.1.1.1, 198.51.100.7", "198.51.100.7"],
    ["1.1.1.1, 198.51.100.7, 10.0.0.9,127.0.0.1", "198.51.100.7"],
    ["nonsense, 198.51.100.7", "198.51.100.7"],
    ["10.0.0.1, 10.0.0.2", "10.0.0.1"],
    ["198.51.100.7:5678", "198.51.100.7"],
    ["2001:db8::7", "2001:db8:0:0:0:0:0:7"],
    ["[2001:DB8::7]", "2001:db8:0:0:0:0:0:7"],
    ["[2001:db8::7]:443", "2001:db8:0:0:0:0:0:7"],
    ["::ffff:198.51.100.7", "198.51.100.7"],
    ["::ffff:c633:6407", "198.51.100.7"],
  ];
  for (const [header, client] of outcomes) {
    assertEquals(clientOf({ "x-forwarded-for": header }), client, header);
  }
});

Deno.test("clientOf() reads Forwarded with its quotes, ports and parameters", () => {
  const outcomes: [string, string][] = [
    ["for=198.51.100.7", "198.51.100.7"],
    ["For=198.51.100.7;proto=https;by=203.0.113.43", "198.51.100.7"],
    ['for="198.51.100.7:47011"', "198.51.100.7"],
    ['for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe:0:0:0:0:17"],
    ['for="198.51.100.\\7"', "198.51.100.7"],
    ["for=1.1.1.1, for=198.51.100.7;host=a.example , for=10.0.0.1", "198.51.100.7"],
    ['for=_hidden, for="198.51.100.7"', "198.51.100.7"],
    ['by="a, for=9.9.9.9";for=198.51.100.7', "198.51.100.7"],
  ];
  for (const [header, client] of outcomes) {
    assertEquals(clientOf({ forwarded: header }), client, header);
  }
});

Deno.test("clientOf() falls back to the connection where a header names nobody", () => {
  const forwardedFor = [
    "unknown",
    "_x",
    "198.51.100.7,",
    "198.51.100.7, nonsense",
    "1.2.3",
    "[::1",
    "::1%1",
  ];
  for (
    const header of [...forwardedFor, "198.51.100.7 ".repeat(200), "10.0.0.1,unknown,10.0.0.2"]
  ) {
    assertEquals(clientOf({ "x-forwarded-for": header }), "127.0.0.1", header);
  }
  const forwarded = [
    ...["for=unknown", "for=_hidden", 'for="_hidden:_port"', "proto=https", "for=", "198.51.100.7"],
    // A client that leaves a quote open must not choose what its proxy adds.
    ...['for="9.9.9.9, for=198.51.100.7', 'for=9.9.9.9;x=", for="198.51.100.7"'],
    ...['for=9.9.9.9;x=", for=198.51.100.7;by="a"', "for=198.51.100.7,", "for=198.51.100.7;"],
    `for=198.51.100.7;x=${"y".repeat(3_000)}`,
  ];
  for (const header of forwarded) {
    assertEquals(clientOf({ forwarded: header }), "127.0.0.1", header);
  }
});

Deno.test("clientOf() believes neither header where the two differ", () => {
  const own = { "x-forwarded-for": "198.51.100.7" };
  assertEquals(clientOf({ ...own, forwarded: "for=198.51.100.7" }), "198.51.100.7");
  for (const forwarded of ["for=9.9.9.9", "for=unknown", 'for="']) {
    assertEquals(clientOf({ ...own, forwarded }), "127.0.0.1", forwarded);
  }
});

Deno.test("clientOf() follows so many proxies and no more", () => {
  const chain = ["198.51.100.7", ...Array(20).fill("10.0.0.1"), "10.0.0.2"].join();
  assertEquals(clientOf({ "x-forwarded-for": chain }), "10.0.0.1");
});

Deno.test("clientOf() never throws, and a client cannot choose its address behind one proxy", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('for="', "for=9.9.9.9", ",", ";", '"', "\\", "10.0.0.1"),
  );
  const text = fc.array(piece, { maxLength: 8 })
    .map((parts) => parts.join("").replace(/[^\x20-\x7e]/g, ""));
  fc.assert(
    fc.property(text, (sent) => {
      for (const added of ["for=198.51.100.7", 'for="[2001:db8::7]:1";by="_b"']) {
        const client = clientOf({ forwarded: `${sent}, ${added}` });
        const honest = ["198.51.100.7", "2001:db8:0:0:0:0:0:7", "127.0.0.1"];
        assert(honest.includes(client), `${sent} ${client}`);
      }
      assertEquals(clientOf({ "x-forwarded-for": `${sent}, 198.51.100.7` }), "198.51.100.7");
    }),
    { numRuns: 5_000 },
  );
});
