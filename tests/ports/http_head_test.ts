import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseHead } from "../../ports/http_head.ts";

function head(...lines: string[]): string {
  return lines.join("\r\n");
}

Deno.test("parseHead() reads method, URL, headers and framing", () => {
  const read = parseHead(head(
    "POST /a/b?c=d HTTP/1.1",
    "Host: node.example:1",
    "Content-Length: 12",
    "X-Two: a",
    "x-two:\t b \t",
    "X-Empty:",
  ));
  assertEquals(read, {
    method: "POST",
    url: "http://node.example:1/a/b?c=d",
    headers: new Map([
      ["host", "node.example:1"],
      ["content-length", "12"],
      ["x-two", "a, b"],
      ["x-empty", ""],
    ]),
    framing: { kind: "length", bytes: 12 },
    keepAlive: true,
    isHttp10: false,
  });
});

Deno.test("parseHead() refuses hosts and addresses that are none, and reads a path where no host is named", () => {
  const urlOf = (line: string, host: string) => {
    const read = parseHead(head(line, `Host: ${host}`));
    return typeof read === "number" ? read : read.url;
  };
  for (const host of ["[", "[::1", "a b", "a:99999", "a/b", "a?b", "a#b", "u@a", "\\"]) {
    assertEquals([host, urlOf("GET /a HTTP/1.1", host)], [host, 400]);
  }
  assertEquals(urlOf("GET http://[/a HTTP/1.1", "a"), 400);
  assertEquals(urlOf("GET http://b/a HTTP/1.1", "a"), "http://b/a");
  assertEquals(urlOf("GET /a HTTP/1.1", "[::1]:80"), "http://[::1]:80/a");
  const old = parseHead("GET /a/b HTTP/1.0");
  assertEquals(typeof old === "number" ? old : new URL(old.url).pathname, "/a/b");
});

Deno.test("parseHead() refuses what two readers could take for two requests", () => {
  const host = "Host: a";
  const refused = [
    head("GET / HTTP/1.1"),
    head("GET / HTTP/1.1", host, host),
    head("GET / HTTP/1.1", host, "Content-Length: 1", "Content-Length: 1"),
    head("GET / HTTP/1.1", host, "Content-Length: 1, 1"),
    head("GET / HTTP/1.1", host, "Content-Length: +1"),
    head("GET / HTTP/1.1", host, "Content-Length: 0x1"),
    head("GET / HTTP/1.1", host, "Content-Length: 1", "Transfer-Encoding: chunked"),
    head("GET / HTTP/1.0", host, "Transfer-Encoding: chunked"),
    head("GET / HTTP/1.1", host, "Transfer-Encoding: gzip, chunked"),
    head("GET / HTTP/1.1", host, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    head("GET / HTTP/1.1", host, "Transfer-Encoding : chunked"),
    head("GET / HTTP/1.1", host, " folded: x"),
    head("GET / HTTP/1.1", host, "X: a\nTransfer-Encoding: chunked"),
    head("GET / HTTP/1.1", host, "X: a\rb"),
    head("GET / HTTP/1.1", host, "X: \0"),
    head("GET / HTTP/1.1", host, "no colon"),
    head("GET  / HTTP/1.1", host),
    head("GET / HTTP/1.1 ", host),
    head("GET /a b HTTP/1.1", host),
    head("GET a HTTP/1.1", host),
    head("CONNECT a:1 HTTP/1.1", host),
    head("GET / HTTP/2.0", host),
    head("GET /", host),
  ];
  for (const text of refused) assertEquals(parseHead(text), 400, JSON.stringify(text));
  assertEquals(parseHead(head("GET / HTTP/1.1", host, "Expect: x")), 417);
  assertEquals(parseHead(head("GET / HTTP/1.1", host, ...Array(101).fill("X: y"))), 431);
});

Deno.test("parseHead() says when a connection ends with its answer", () => {
  const keepAlive = (...lines: string[]) => {
    const read = parseHead(head(...lines));
    return typeof read === "number" ? read : read.keepAlive;
  };
  assertEquals(keepAlive("GET / HTTP/1.1", "Host: a"), true);
  assertEquals(keepAlive("GET / HTTP/1.1", "Host: a", "Connection: x, Close"), false);
  assertEquals(keepAlive("GET / HTTP/1.0", "Connection: keep-alive"), false);
});

Deno.test("parseHead() takes or refuses any text, and no header of it holds a control", () => {
  fc.assert(fc.property(
    fc.array(fc.oneof(fc.string({ unit: "binary-ascii" }), fc.constant("Host: a"))),
    (lines) => {
      const read = parseHead(head("GET / HTTP/1.1", ...lines));
      if (typeof read === "number") return;
      for (const [name, value] of read.headers) {
        // deno-lint-ignore no-control-regex
        assertEquals(/[\0-\x08\x0a-\x1f\x7f]/.test(name + value), false);
      }
    },
  ));
});
