import { assertEquals, assertRejects } from "@std/assert";
import type { ByteRequest } from "../../ports/byte_streams.ts";
import { openBytes } from "../../ports/system_byte_streams.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { serveLoopback } from "./loopback_server.ts";

/** Takes one connection, answers these bytes, and leaves it open unless it says so. */
function answerRaw(text: string, { closes = true } = {}) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = (async () => {
    const connection = await listener.accept();
    await connection.read(new Uint8Array(4_096));
    await connection.write(new TextEncoder().encode(text));
    if (closes) connection.close();
    return connection;
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/a`,
    async [Symbol.asyncDispose]() {
      const connection = await taken;
      if (!closes) connection.close();
      listener.close();
    },
  };
}

function request(url: string, more: Partial<ByteRequest> = {}): ByteRequest {
  const { signal } = new AbortController();
  return { url, headers: {}, timeoutMs: 60_000, idleMs: 60_000, signal, ...more };
}

async function readAll(given: ByteRequest): Promise<string> {
  const answer = await openBytes(given);
  let text = "";
  const part = new Uint8Array(7);
  try {
    for (let read = await answer.read(part); read !== null; read = await answer.read(part)) {
      text += new TextDecoder().decode(part.subarray(0, read));
    }
    return text;
  } finally {
    answer.close();
  }
}

async function reasonOf(work: () => Promise<unknown>): Promise<unknown> {
  const { code, members } = await assertRejects(work, OpenRedError);
  assertEquals(code, "unreachable");
  return members.reason;
}

Deno.test("openBytes() asks as it is told, and reads the body into what it is given", async () => {
  await using server = serveLoopback((request) => {
    const text = `${new URL(request.url).pathname} ${request.headers.get("range")}`;
    return new Response(text, { status: 206, headers: { "content-type": "text/plain" } });
  });
  const headers = { range: "bytes=0-5" };
  const answer = await openBytes(request(`${server.url}/x/y`, { headers }));
  assertEquals([answer.status, answer.bytes], [206, 14]);
  assertEquals(answer.headers.get("content-type"), "text/plain");
  answer.close();
  assertEquals(await readAll(request(`${server.url}/x/y`, { headers })), "/x/y bytes=0-5");
});

Deno.test("openBytes() follows no redirect, and has no body of an answer without a length", async () => {
  await using server = serveLoopback(() => Response.redirect("http://127.0.0.1:1/", 302));
  const answer = await openBytes(request(server.url));
  assertEquals([answer.status, await answer.read(new Uint8Array(1))], [302, null]);
  answer.close();
});

Deno.test("openBytes() refuses what is no answer of HTTP/1.1, or says no length", async () => {
  const wrong = [
    "",
    "HTTP/1.1 200 OK\r\ncontent-length: 1",
    "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx",
    "HTTP/1.1 99 Low\r\ncontent-length: 1\r\n\r\nx",
    "SSH-2.0-x\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\nx",
    "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\ncontent-length: 0x1\r\n\r\nx",
    "HTTP/1.1 206 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
    `HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}`,
  ];
  for (const text of wrong) {
    await using server = answerRaw(text);
    await reasonOf(() => openBytes(request(server.url)));
  }
});

Deno.test("openBytes() takes no more than the length, and says where it breaks off before that", async () => {
  await using long = answerRaw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef");
  assertEquals(await readAll(request(long.url)), "abc");
  await using short = answerRaw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc");
  await reasonOf(() => readAll(request(short.url)));
});

Deno.test("openBytes() gives up where nothing comes for too long, before the head and behind it", async () => {
  // Short times of the real clock, which is the one that the system's sockets have.
  await using silent = answerRaw("HTTP", { closes: false });
  assertEquals(
    await reasonOf(() => openBytes(request(silent.url, { timeoutMs: 100 }))),
    "too_slow",
  );
  await using idle = answerRaw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", {
    closes: false,
  });
  assertEquals(await reasonOf(() => readAll(request(idle.url, { idleMs: 100 }))), "too_slow");
});

Deno.test("openBytes() ends when its signal fires, whatever it is at", async () => {
  const stop = new AbortController();
  await using idle = answerRaw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", {
    closes: false,
  });
  const reading = readAll(request(idle.url, { signal: stop.signal }));
  const ended = assertRejects(() => reading, DOMException);
  setTimeout(() => stop.abort(), 50);
  assertEquals((await ended).name, "AbortError");
  await assertRejects(() => openBytes(request(idle.url, { signal: stop.signal })), DOMException);
});
