import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Channel } from "../../ports/ports.ts";
import { systemChannelUpgrader, systemHttpClient } from "../../ports/system.ts";
import { createChannelUpgrader } from "../../ports/system_channel.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { serveLoopback } from "./loopback_server.ts";
import { RawClient } from "./raw_socket.ts";

type Event =
  | readonly ["message", Uint8Array | null]
  | readonly ["close", number];

/** Turns what a channel tells into something to wait for, in order. */
function readEvents(channel: Channel): () => Promise<Event> {
  const events: Event[] = [];
  const waiting: ((event: Event) => void)[] = [];
  const push = (event: Event) => {
    const next = waiting.shift();
    if (next === undefined) events.push(event);
    else next(event);
  };
  channel.listen({
    message: (data) => push(["message", data]),
    close: (code) => push(["close", code]),
  });
  return () => {
    const event = events.shift();
    return event === undefined
      ? new Promise((resolve) => waiting.push(resolve))
      : Promise.resolve(event);
  };
}

/** Both ends of one connected channel. */
async function connect() {
  const accepted = Promise.withResolvers<Channel>();
  const server = serveLoopback((request) => {
    const { response, channel } = systemChannelUpgrader.upgrade(request);
    accepted.resolve(channel);
    return response;
  });
  const url = server.url.replace("http", "ws");
  const client = await systemHttpClient.openChannel({ url, timeoutMs: 5_000 });
  return {
    client,
    server: await accepted.promise,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

Deno.test("a channel carries bytes both ways, in order", async () => {
  await using ends = await connect();
  const atServer = readEvents(ends.server);
  const atClient = readEvents(ends.client);
  ends.client.send(new Uint8Array([1]));
  ends.client.send(new Uint8Array([2]));
  assertEquals(await atServer(), ["message", new Uint8Array([1])]);
  assertEquals(await atServer(), ["message", new Uint8Array([2])]);
  ends.server.send(new Uint8Array(MAX_FRAME_BYTES));
  assertEquals((await atClient())[1], new Uint8Array(MAX_FRAME_BYTES));
  ends.client.close(1000);
  assertEquals(await atServer(), ["close", 1000]);
  assertEquals(await atClient(), ["close", 1000]);
  ends.client.send(new Uint8Array([3]));
});

/** Has every call of a method of TCP connections noted until the returned function is called. */
async function watch(method: "write" | "setNoDelay", note: (argument: unknown) => void) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const opening = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const probes = [await opening, await listener.accept()];
  let owner = probes[0] as unknown as Record<string, (argument: unknown) => unknown>;
  while (!Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner);
  for (const socket of [listener, ...probes]) socket.close();
  const real = owner[method]!;
  owner[method] = function (argument) {
    note(argument);
    return real.call(this, argument);
  };
  return () => void (owner[method] = real);
}

Deno.test("a message of any size leaves either end in one write, on a socket that delays nothing", async () => {
  const written: number[] = [];
  const noDelays: unknown[] = [];
  const endings = [
    await watch("write", (bytes) => written.push((bytes as Uint8Array).length)),
    await watch("setNoDelay", (isOn) => noDelays.push(isOn)),
  ];
  const sizes = [1_024, 1_100, 2_000, 3_300];
  {
    await using ends = await connect();
    for (const [from, to] of [[ends.client, ends.server], [ends.server, ends.client]] as const) {
      const next = readEvents(to);
      for (const size of sizes) {
        from.send(new Uint8Array(size));
        assertEquals((await next())[1], new Uint8Array(size));
      }
    }
  }
  for (const end of endings) end();
  assertEquals(noDelays, [true, true]);
  const heads = { opening: 8, accepting: 4 };
  const expected = Object.values(heads).flatMap((head) => sizes.map((size) => size + head));
  assertEquals(written.filter((length) => length > 1_000), expected);
});

/** What is read stops at once or never: nothing tells that no more comes. */
const NOTHING_MORE_MS = 100;

Deno.test("a channel is read no further while work on 64 messages, or 2 MiB of them, is under way", async () => {
  for (const { bytes, atOnce } of [{ bytes: 1, atOnce: 64 }, { bytes: 2 ** 20, atOnce: 2 }]) {
    await using ends = await connect();
    const work = Promise.withResolvers<void>();
    const full = Promise.withResolvers<void>();
    const all = Promise.withResolvers<void>();
    const sent = 3 * atOnce;
    let came = 0;
    ends.server.listen({
      message: () => {
        came += 1;
        if (came === atOnce) full.resolve();
        if (came === sent) all.resolve();
        return work.promise;
      },
      close: () => {},
    });
    for (let message = 0; message < sent; message++) ends.client.send(new Uint8Array(bytes));
    await full.promise;
    await new Promise((resolve) => setTimeout(resolve, NOTHING_MORE_MS));
    assertEquals(came, atOnce);
    work.reject(new Error("It failed, and is over all the same"));
    await all.promise;
  }
});

Deno.test("a channel keeps what came before listen()", async () => {
  await using ends = await connect();
  ends.client.send(new Uint8Array([1]));
  ends.client.send(new Uint8Array([2]));
  ends.client.close(1000);
  const atClient = readEvents(ends.client);
  const atServer = readEvents(ends.server);
  assertEquals(await atServer(), ["message", new Uint8Array([1])]);
  assertEquals(await atServer(), ["message", new Uint8Array([2])]);
  assertEquals(await atServer(), ["close", 1000]);
  assertEquals(await atClient(), ["close", 1000]);
});

Deno.test("a channel sends what it was given before it was open", async () => {
  await using server = serveLoopback((request) => {
    const { response, channel } = systemChannelUpgrader.upgrade(request);
    channel.send(new Uint8Array([7]));
    channel.close(4404, "unknown");
    return response;
  });
  const url = server.url.replace("http", "ws");
  const next = readEvents(
    await systemHttpClient.openChannel({ url, timeoutMs: 5_000 }),
  );
  assertEquals(await next(), ["message", new Uint8Array([7])]);
  assertEquals(await next(), ["close", 4404]);
});

Deno.test("a channel shows text as null", async () => {
  const accepted = Promise.withResolvers<Channel>();
  await using server = serveLoopback((request) => {
    const { response, channel } = systemChannelUpgrader.upgrade(request);
    accepted.resolve(channel);
    return response;
  });
  const socket = new WebSocket(server.url.replace("http", "ws"));
  socket.onopen = () => socket.send("text");
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  const channel = await accepted.promise;
  assertEquals(await readEvents(channel)(), ["message", null]);
  channel.close(1008);
  assertEquals((await closed).code, 1008);
});

Deno.test("a channel closes with 1009 on a message that is too large", async () => {
  await using ends = await connect();
  const atClient = readEvents(ends.client);
  readEvents(ends.server);
  ends.client.send(new Uint8Array(MAX_FRAME_BYTES + 1));
  assertEquals(await atClient(), ["close", 1009]);
});

Deno.test("either end may name every code that stands for a policy", async () => {
  await using ends = await connect();
  const atServer = readEvents(ends.server);
  ends.client.close(1008);
  assertEquals(await atServer(), ["close", 1008]);
});

Deno.test("openChannel() follows no redirect, offers no subprotocol and no extension", async () => {
  const requests: Headers[] = [];
  await using server = serveLoopback((request) => {
    requests.push(new Headers(request.headers));
    return new Response(null, { status: 302, headers: { Location: "/other" } });
  });
  const url = server.url.replace("http", "ws");
  const error = await assertRejects(
    () => systemHttpClient.openChannel({ url, timeoutMs: 5_000 }),
    OpenRedError,
  );
  assertEquals(error.code, "unreachable");
  assertEquals(requests.length, 1);
  assertEquals(requests[0]?.get("Sec-WebSocket-Protocol"), null);
  assertEquals(requests[0]?.get("Sec-WebSocket-Extensions"), null);
});

Deno.test("openChannel() gives up when time is up or its signal fires", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `ws://127.0.0.1:${listener.addr.port}`;
  const late = await assertRejects(
    () => systemHttpClient.openChannel({ url, timeoutMs: 50 }),
    OpenRedError,
  );
  assertEquals(late.code, "unreachable");
  const controller = new AbortController();
  const { signal } = controller;
  const pending = systemHttpClient.openChannel({
    url,
    timeoutMs: 5_000,
    signal,
  });
  controller.abort();
  assertEquals(
    (await assertRejects(() => pending, DOMException)).name,
    "AbortError",
  );
});

Deno.test("a channel closed before it was open ends at once: its client may be gone, and it never opens", async () => {
  const ended: number[] = [];
  await using server = serveLoopback((request) => {
    const { response, channel } = systemChannelUpgrader.upgrade(request);
    channel.listen({ message: () => {}, close: (code) => ended.push(code) });
    channel.close(1008);
    assertEquals(ended, [1006]);
    return response;
  });
  const url = server.url.replace("http", "ws");
  const next = readEvents(
    await systemHttpClient.openChannel({ url, timeoutMs: 5_000 }),
  );
  assertEquals(await next(), ["close", 1008]);
  await server[Symbol.asyncDispose]();
  assertEquals(ended, [1006], "and only once");
});

Deno.test("an accepted channel is pinged and closed when its other end stays silent, a live one stays", async () => {
  const accepted: Channel[] = [];
  const upgrader = createChannelUpgrader({ silenceMs: 300 });
  await using server = serveLoopback((request) => {
    const { response, channel } = upgrader.upgrade(request);
    accepted.push(channel);
    return response;
  });
  const live = await systemHttpClient.openChannel({
    url: server.url.replace("http", "ws"),
    timeoutMs: 5_000,
  });
  const atLive = readEvents(live);
  using silent = await RawClient.connect(new URL(server.url));
  const [liveHere, silentHere] = accepted.map(readEvents);
  assertEquals(await silentHere!(), ["close", 1001]);
  assertEquals(await silent.opcodes(2), ["ping", "close"]);
  live.send(new Uint8Array([1]));
  assertEquals(await liveHere!(), ["message", new Uint8Array([1])]);
  live.close(1000);
  assertEquals(await atLive(), ["close", 1000]);
});

Deno.test("upgrade() refuses a request that is no handshake", () => {
  const error = assertThrows(
    () => systemChannelUpgrader.upgrade(new Request("http://127.0.0.1/")),
    OpenRedError,
  );
  assertEquals(error.code, "bad_request");
});
