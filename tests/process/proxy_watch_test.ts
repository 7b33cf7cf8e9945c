import { assert, assertEquals } from "@std/assert";
import { ProxyWatch } from "../../process/proxy_watch.ts";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";

function createWatch(url: string | null, trusted = "10.0.0.1") {
  const logged: string[] = [];
  const watch = new ProxyWatch({
    log: { log: (_level, event, fields) => logged.push(`${event} ${fields?.["text"]}`) },
    proxies: TrustedProxies.parse(trusted)!,
    url,
  });
  const note = (address: string, count: number) => {
    for (let at = 0; at < count; at++) watch.note(address);
  };
  return { logged, note };
}

Deno.test("ProxyWatch says once that nearly all requests come from one loopback address", () => {
  const { logged, note } = createWatch("https://node.example");
  note("198.51.100.1", 10);
  note("127.0.0.1", 189);
  assertEquals(logged, []);
  note("127.0.0.1", 1);
  assertEquals(logged.length, 1);
  assert(logged[0]!.startsWith("proxy_not_trusted "));
  assert(logged[0]!.includes("--trusted-proxies 127.0.0.1"));
  note("127.0.0.1", 1_000);
  assertEquals(logged.length, 1);
});

Deno.test("ProxyWatch is quiet where the proxy is named, others call too, or all is on one machine", () => {
  const outside = "https://node.example";
  const named = createWatch(outside, "127.0.0.0/8");
  named.note("127.0.0.1", 1_000);
  const mixed = createWatch(outside);
  for (let round = 0; round < 10; round++) {
    mixed.note("127.0.0.1", 180);
    mixed.note("198.51.100.1", 20);
  }
  const elsewhere = createWatch(outside);
  elsewhere.note("10.0.0.2", 1_000);
  const own = ["http://127.0.0.1:7601", "http://[::1]:7601", "https://localhost:7601", null];
  const local = own.map((url) => createWatch(url));
  for (const { note } of local) note("127.0.0.1", 1_000);
  for (const { logged } of [named, mixed, elsewhere, ...local]) assertEquals(logged, []);
});
