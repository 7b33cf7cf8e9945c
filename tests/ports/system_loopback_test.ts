import { assertEquals, assertRejects } from "@std/assert";
import { sendLoopback } from "../../ports/system_loopback.ts";

const GET = { method: "GET", headers: {} } as const;

function serve(handler: (request: Request) => Response | Promise<Response>) {
  const { signal, ...stop } = abortable();
  const options = { hostname: "127.0.0.1", port: 0, signal, onListen: () => {} };
  const server = Deno.serve(options, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}/x?y=1`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** Answers every connection with these bytes, then closes it. */
function serveBytes(text: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const done = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(text));
      connection.close();
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await done;
    },
  };
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

function signal(): AbortSignal {
  return new AbortController().signal;
}

Deno.test("sendLoopback() sends method, path, headers and body, and reads the answer", async () => {
  await using server = serve(async (request) => {
    const { method, url, headers } = request;
    const text = await request.text();
    return Response.json([method, new URL(url).search, headers.get("a"), text], { status: 201 });
  });
  const body = "é".repeat(40_000);
  const request = { method: "POST", headers: { a: "b" }, url: server.url, body } as const;
  const answer = await sendLoopback({ ...request, signal: signal() });
  assertEquals(answer.status, 201);
  assertEquals(JSON.parse(await textOf(answer.body)), ["POST", "?y=1", "b", body]);
});

Deno.test("sendLoopback() reads an answer of many chunks", async () => {
  const part = "0123456789abcdef\n".repeat(5_000);
  await using server = serve(() =>
    new Response(ReadableStream.from([part, "", part, "end"]).pipeThrough(new TextEncoderStream()))
  );
  const { body } = await sendLoopback({ ...GET, url: server.url, signal: signal() });
  assertEquals(await textOf(body), part + part + "end");
});

Deno.test("sendLoopback() takes an answer that arrives byte by byte", async () => {
  await using server = serveBytes(
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  );
  const { status, body } = await sendLoopback({ ...GET, url: server.url, signal: signal() });
  assertEquals([status, await textOf(body)], [200, "abc"]);
});

Deno.test("sendLoopback() throws when an answer is cut short or is no HTTP", async () => {
  const answers = [
    "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    "HTTP/1.1 200",
    "SSH-2.0-x\r\n",
    "",
    "x".repeat(100_000),
  ];
  for (const answer of answers) {
    await using server = serveBytes(answer);
    await assertRejects(async () => {
      const { body } = await sendLoopback({ ...GET, url: server.url, signal: signal() });
      await textOf(body);
    }, Error);
  }
});

Deno.test("sendLoopback() ends when its signal fires, before and within an answer", async () => {
  await using server = serve((request) =>
    new URL(request.url).search === ""
      ? new Promise<Response>(() => {})
      : new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array([65])) }))
  );
  for (const url of [server.url, server.url.split("?")[0]!]) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 50);
    await assertRejects(async () => {
      const { body } = await sendLoopback({ ...GET, url, signal: stop.signal });
      await textOf(body);
    });
    clearTimeout(timer);
  }
});

Deno.test("sendLoopback() refuses URLs that leave this machine and headers that break out", async () => {
  const urls = ["http://192.0.2.1/", "http://localhost/", "https://127.0.0.1/", "x", "file:///etc"];
  for (const url of urls) {
    await assertRejects(() => sendLoopback({ ...GET, url, signal: signal() }), RangeError);
  }
  const url = "http://127.0.0.1:1/";
  const headers = { a: "b\r\nc: d" };
  await assertRejects(() => sendLoopback({ ...GET, url, headers, signal: signal() }), TypeError);
});
