import { assertEquals, assertInstanceOf, assertLess, assertRejects } from "@std/assert";
import { systemHttpClient } from "../../ports/system.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { serveLoopback } from "./loopback_server.ts";

const LIMITS = { timeoutMs: 5_000, maxAnswerBytes: 1_000 };

async function assertUnreachable(run: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(run, OpenRedError);
  assertEquals(error.code, "unreachable");
}

Deno.test("request() sends and receives bytes and headers", async () => {
  await using server = serveLoopback(async (request) => {
    const text = await request.text();
    const header = request.headers.get("OpenRed-Proof");
    return new Response(`${request.method} ${text} ${header}`, { status: 201 });
  });
  const answer = await systemHttpClient.request({
    ...LIMITS,
    method: "POST",
    url: `${server.url}/a`,
    headers: { "OpenRed-Proof": "p" },
    body: new Uint8Array([104, 105]),
  });
  assertEquals(answer.status, 201);
  assertEquals(new TextDecoder().decode(answer.body), "POST hi p");
});

Deno.test("request() follows no redirect", async () => {
  const paths: string[] = [];
  await using server = serveLoopback((request) => {
    paths.push(new URL(request.url).pathname);
    return new Response("moved", { status: 307, headers: { Location: "/b" } });
  });
  const answer = await systemHttpClient.request({
    ...LIMITS,
    method: "GET",
    url: `${server.url}/a`,
  });
  assertEquals(answer.status, 307);
  assertEquals(answer.headers.get("Location"), "/b");
  assertEquals(paths, ["/a"]);
});

Deno.test("request() ends an answer that is too large, announced or not, packed or not", async () => {
  const compressed = await new Response(
    new Blob([new Uint8Array(100_000)]).stream().pipeThrough(
      new CompressionStream("gzip"),
    ),
  ).bytes();
  await using server = serveLoopback((request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/announced") return new Response(new Uint8Array(1_001));
    if (pathname === "/fits") return new Response(new Uint8Array(1_000));
    if (pathname === "/packed") {
      return new Response(compressed, {
        headers: { "Content-Encoding": "gzip" },
      });
    }
    const endless = new ReadableStream({
      pull: (c) => c.enqueue(new Uint8Array(512)),
    });
    return new Response(endless);
  });
  const get = (path: string) =>
    systemHttpClient.request({
      ...LIMITS,
      method: "GET",
      url: server.url + path,
    });
  assertEquals((await get("/fits")).body.length, 1_000);
  assertLess(compressed.length, LIMITS.maxAnswerBytes);
  for (const path of ["/announced", "/endless", "/packed"]) {
    await assertUnreachable(() => get(path));
  }
});

Deno.test("request() ends a slow head and a slow body when time is up", async () => {
  const hanging = Promise.withResolvers<Response>();
  await using server = serveLoopback((request) => {
    if (new URL(request.url).pathname === "/head") return hanging.promise;
    return new Response(
      new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(1)) }),
    );
  });
  const get = (path: string) =>
    systemHttpClient.request({
      ...LIMITS,
      timeoutMs: 50,
      method: "GET",
      url: server.url + path,
    });
  await assertUnreachable(() => get("/head"));
  await assertUnreachable(() => get("/body"));
  hanging.resolve(new Response());
});

Deno.test("request() rejects with AbortError when its signal fires", async () => {
  const hanging = Promise.withResolvers<Response>();
  await using server = serveLoopback(() => hanging.promise);
  const controller = new AbortController();
  const request = {
    ...LIMITS,
    method: "GET",
    url: server.url,
    signal: controller.signal,
  } as const;
  const pending = systemHttpClient.request(request);
  controller.abort(new Error("mine"));
  const error = await assertRejects(() => pending, DOMException);
  assertEquals(error.name, "AbortError");
  const again = await assertRejects(
    () => systemHttpClient.request(request),
    DOMException,
  );
  assertEquals(again.name, "AbortError");
  hanging.resolve(new Response());
});

Deno.test("request() leaves no listener on its signal", async () => {
  await using server = serveLoopback(() => new Response());
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (
    ...args: Parameters<typeof add>
  ) => (listeners++, add(...args));
  signal.removeEventListener = (
    ...args: Parameters<typeof remove>
  ) => (listeners--, remove(...args));
  await systemHttpClient.request({
    ...LIMITS,
    method: "GET",
    url: server.url,
    signal,
  });
  assertEquals(listeners, 0);
});

Deno.test("request() maps a refused connection to unreachable, with its cause", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(
    () =>
      systemHttpClient.request({
        ...LIMITS,
        method: "GET",
        url: `http://127.0.0.1:${port}`,
      }),
    OpenRedError,
  );
  assertEquals(error.code, "unreachable");
  assertInstanceOf(error.cause, TypeError);
});
