import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { ListenerLimits } from "../../ports/listener_limits.ts";
import type { PatientRequest } from "../../ports/ports.ts";
import { readBody } from "../../protocol/http.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { problemResponse } from "../../protocol/http.ts";
import { AnswerHead, TextAnswer } from "../../protocol/text_answer.ts";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";
import { serveLoopback } from "./loopback_server.ts";
import { until } from "../world/until.ts";

const MAX_BODY_BYTES = 100_000;

type Handler = (request: Request) => Response | Promise<Response>;

/** Answers a body with itself, or with what was wrong with it. */
async function echo(request: Request): Promise<Response> {
  try {
    const body = await readBody(request, MAX_BODY_BYTES);
    const text = `${request.method} ${new URL(request.url).pathname} ${body.length}`;
    return new Response(text, { headers: { "content-type": "text/plain" } });
  } catch (error) {
    return problemResponse(error as OpenRedError);
  }
}

/** A client that writes what it is told and shows what came, as Latin-1. */
class RawClient implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder("latin1");

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async connect(url: string, hostname = "127.0.0.1"): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname, port: Number(new URL(url).port) }));
  }

  async write(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** Reads until `pattern` has come, or to the end. */
  async read(pattern?: RegExp): Promise<string> {
    let text = "";
    const chunk = new Uint8Array(65_536);
    while (pattern === undefined || !pattern.test(text)) {
      const length = await this.#connection.read(chunk).catch(() => null);
      if (length === null) return text;
      text += this.#decoder.decode(chunk.subarray(0, length));
    }
    return text;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Sends bytes on a connection of their own and reads what comes until the server ends it. */
async function exchange(
  bytes: string,
  options: { limits?: Partial<ListenerLimits>; handler?: Handler } = {},
): Promise<string> {
  await using server = serveLoopback(options.handler ?? echo, options.limits);
  using client = await RawClient.connect(server.url);
  await client.write(bytes);
  return await client.read();
}

const HOST = "Host: a\r\n";
const CLOSE = "Connection: close\r\n\r\n";

Deno.test("HttpListener writes answers of text with their length in bytes, whatever it is", async () => {
  const texts = [
    "",
    "a",
    "é💬".repeat(2_500),
    "x".repeat(15_360),
    "x".repeat(15_361),
    "é".repeat(100_000),
  ];
  for (const content of texts) {
    const head = new AnswerHead(201, { "content-type": "text/plain", "x-long": "y".repeat(900) });
    const answers = await exchange(
      `GET /a HTTP/1.1\r\n${HOST}\r\nHEAD /a HTTP/1.1\r\n${HOST}\r\nGET /a HTTP/1.1\r\n${HOST}${CLOSE}`,
      { handler: () => new TextAnswer(head, content).asResponse() },
    );
    const bytes = new TextEncoder().encode(content);
    const sent = new TextDecoder("latin1").decode(bytes);
    const parts = answers.split("HTTP/1.1 201 Created\r\n").slice(1).map((part) =>
      part.split("\r\n\r\n")
    );
    assertEquals(parts.map(([, body]) => body === sent), [true, content === "", true]);
    for (const [lines] of parts) {
      assertMatch(lines!, new RegExp(`\\r\\ncontent-length: ${bytes.length}\\r\\ndate: `));
      assertMatch(lines!, /^content-type: text\/plain\r\nx-long: y{900}\r\n/);
    }
  }
});

Deno.test("HttpListener writes an answer of text as it was changed", async () => {
  const text = await exchange(`GET /a HTTP/1.1\r\n${HOST}${CLOSE}`, {
    handler() {
      const answer = new TextAnswer(new AnswerHead(200, { "x-a": "1" }), "b").asResponse();
      answer.headers.set("x-a", "2");
      return answer;
    },
  });
  assertMatch(text, /^HTTP\/1\.1 200 OK\r\n[^]*x-a: 2\r\n[^]*\r\n\r\nb$/);
});

Deno.test("HttpListener takes a head in any parts, and a line feed alone for no end of a line", async () => {
  await using server = serveLoopback(echo);
  for (const step of [1, 2, 3, 7]) {
    using client = await RawClient.connect(server.url);
    const head = `\r\nGET /${step} HTTP/1.1\r\n${HOST}x: y\r\n${CLOSE}`;
    for (let at = 0; at < head.length; at += step) await client.write(head.slice(at, at + step));
    assertMatch(await client.read(), new RegExp(`GET /${step} 0$`));
  }
  for (
    const head of ["GET / HTTP/1.1\r\nHost: ab\n\r\n", "GET / HTTP/1.1\nHost: a\r\n\r\n", "\n\r\n"]
  ) {
    assertMatch(await exchange(head), /^HTTP\/1\.1 400 /, head);
  }
});

Deno.test("HttpListener answers requests of one connection in their order", async () => {
  const text = await exchange(
    `POST /a HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc` +
      `\r\nPOST /b HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n3\r\ncde\r\n0\r\n\r\n` +
      `HEAD /c HTTP/1.1\r\n${HOST}\r\nGET /d HTTP/1.1\r\n${HOST}${CLOSE}`,
  );
  assertEquals(text.match(/HTTP\/1\.1 200 OK/g)?.length, 4);
  assertEquals(text.match(/(POST|HEAD|GET) \/. \d/g), ["POST /a 3", "POST /b 5", "GET /d 0"]);
  assertEquals(text.match(/^content-length: (\d+)/gm)?.length, 4);
  assertMatch(text, /^date: \w{3}, \d/m);
});

Deno.test("HttpListener streams an answer whose length nobody knows, and stops when its client has gone", async () => {
  const cancelled = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  await using server = serveLoopback((request) => {
    request.signal.addEventListener("abort", () => aborted.resolve());
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("tick")),
      cancel: () => cancelled.resolve(),
    }, { highWaterMark: 0 });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  });
  {
    using client = await RawClient.connect(server.url);
    await client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
    assertMatch(await client.read(/tick/), /transfer-encoding: chunked\r\n.*\r\n\r\n4\r\ntick/s);
  }
  await Promise.all([cancelled.promise, aborted.promise]);
});

Deno.test("HttpListener holds a stream to the length that its answer names", async () => {
  const parts = ["abc", "def"];
  await using server = serveLoopback((request) => {
    const length = new URL(request.url).pathname.slice(1);
    return new Response(ReadableStream.from(parts).pipeThrough(new TextEncoderStream()), {
      headers: { "content-length": length, "content-type": "application/octet-stream" },
    });
  });
  const ask = async (length: number) => {
    using client = await RawClient.connect(server.url);
    await client.write(`GET /${length} HTTP/1.1\r\n${HOST}${CLOSE}`);
    return (await client.read()).split("\r\n\r\n");
  };
  const [head, body] = await ask(6);
  assertMatch(head!, /content-length: 6/);
  assert(!head!.includes("transfer-encoding"));
  assertEquals(body, "abcdef");
  assertEquals((await ask(5))[1], "abc");
  assertEquals((await ask(7))[1], "abcdef");
});

Deno.test("HttpListener lets a body take its time, and holds one part of it alone", async () => {
  // Short times of the real clock, which is the one that the system's sockets have.
  await using server = serveLoopback(async (request) => {
    (request as PatientRequest).takeTime?.();
    let length = 0;
    for await (const part of request.body!) length += part.length;
    return new Response(String(length), { headers: { "content-type": "text/plain" } });
  }, { bodyMs: 1_500, perSourceBytes: 50_000, lingerMs: 300 });
  using client = await RawClient.connect(server.url);
  await client.write(
    `POST / HTTP/1.1\r\n${HOST}Connection: close\r\nContent-Length: 160000\r\n\r\n`,
  );
  for (let part = 0; part < 4; part++) {
    await client.write("x".repeat(40_000));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  assertMatch(await client.read(), /\r\n\r\n160000$/);
});

Deno.test("HttpListener leaves an answer alone that has nothing to send for long", async () => {
  await using server = serveLoopback(() => {
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        // Some looks of the listener at its connections, which are a quarter of a second apart.
        await new Promise((resolve) => setTimeout(resolve, 800));
        controller.enqueue(new TextEncoder().encode("late"));
        controller.close();
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  }, { writeMs: 100, keepAliveMs: 100 });
  using client = await RawClient.connect(server.url);
  await client.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  assertMatch(await client.read(), /4\r\nlate\r\n0\r\n\r\n$/);
});

Deno.test("HttpListener asks for a body that waits to be asked for, and only when somebody reads it", async () => {
  await using server = serveLoopback(async (request) => {
    return request.url.endsWith("/refused")
      ? new Response(null, { status: 403 })
      : await echo(request);
  });
  const head = (path: string) =>
    `POST ${path} HTTP/1.1\r\n${HOST}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n`;
  using client = await RawClient.connect(server.url);
  await client.write(head("/taken"));
  assertEquals(await client.read(/\r\n\r\n/), "HTTP/1.1 100 Continue\r\n\r\n");
  await client.write("ab");
  assertMatch(await client.read(/taken 2/), /200 OK/);
  await client.write(head("/refused"));
  const answer = await client.read();
  assertMatch(answer, /^HTTP\/1\.1 403 /);
  assertMatch(answer, /connection: close/);
});

Deno.test("HttpListener refuses what is no request, and answers a body that is too long before it has come", async () => {
  assertMatch(await exchange(`GET / HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 400 /);
  assertMatch(await exchange(`GET /${"x".repeat(20_000)}`), /^HTTP\/1\.1 431 /);
  const long = `POST / HTTP/1.1\r\n${HOST}Content-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`;
  assertMatch(await exchange(long, { limits: { lingerMs: 300 } }), /^HTTP\/1\.1 413 /);
  const endless = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n` +
    `8000\r\n${"x".repeat(0x8000)}\r\n`.repeat(4);
  assertMatch(await exchange(endless, { limits: { lingerMs: 300 } }), /^HTTP\/1\.1 413 /);
  for (
    const chunks of [
      "-1\r\n",
      "zz\r\n",
      "2\r\nabc\r\n",
      "0\r\nTrailer: x\r\n\r\n",
      `${"1".repeat(300)}\r\n`,
    ]
  ) {
    const text = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunks}`;
    assertMatch(await exchange(text, { limits: { lingerMs: 300 } }), /^HTTP\/1\.1 400 /, chunks);
  }
});

Deno.test("HttpListener ends what is silent, half sent or not read, each in its time", async () => {
  // Short times of the real clock, which is the one that the system's sockets have.
  const limits = { silentMs: 300, headMs: 300, bodyMs: 300, writeMs: 300 };
  const large = () =>
    new Response(new Uint8Array(2 ** 24), { headers: { "content-type": "text/plain" } });
  await using server = serveLoopback(
    async (request) => request.url.endsWith("/large") ? large() : await echo(request),
    limits,
  );
  // What comes in time on a busy machine too has another server: there only the time after an answer is short.
  await using idle = serveLoopback(echo, { keepAliveMs: 300 });
  const untilEnd = async (bytes: string, { url } = server) => {
    using client = await RawClient.connect(url);
    await client.write(bytes);
    return await client.read();
  };
  const all = await Promise.all([
    untilEnd(""),
    untilEnd(`GET / HTTP/1.1\r\n${HOST}X-A:`),
    untilEnd(`POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nab`),
    untilEnd(`GET / HTTP/1.1\r\n${HOST}\r\n`, idle),
  ]);
  assertEquals(all.slice(0, 2), ["", ""]);
  assert(!all[2]!.includes("200 OK"));
  assertMatch(all[3]!, /200 OK/, "a live connection has its answer first");
  using unread = await RawClient.connect(server.url);
  await unread.write(`GET /large HTTP/1.1\r\n${HOST}\r\n`);
  await until(() => server.listener.size === 0, "the connection that is not read ends");
});

/** Connections to one server, each with the beginning of the answer to its first request. */
async function connectMany(
  url: string,
  { count, headers = "", clients }: { count: number; headers?: string; clients: DisposableStack },
): Promise<string[]> {
  const firsts: string[] = [];
  for (let index = 0; index < count; index++) {
    const client = clients.use(await RawClient.connect(url));
    await client.write(`GET / HTTP/1.1\r\n${HOST}${headers}\r\n`);
    firsts.push(await client.read(/\r\n\r\n/));
  }
  return firsts.map((text) => text.slice(9, 12));
}

Deno.test("HttpListener takes so many connections of one source, and prefers new ones to idle ones", async () => {
  await using server = serveLoopback(echo, { connectionsPerSource: 3, connections: 4 });
  using clients = new DisposableStack();
  assertEquals(await connectMany(server.url, { count: 5, clients }), Array(5).fill("200"));
  assertEquals(server.listener.size, 3);
});

Deno.test("HttpListener turns away whose source has nothing but requests that are being answered", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  await using server = serveLoopback(() => {
    asked.resolve();
    return answer.promise;
  }, { connectionsPerSource: 1 });
  using busy = await RawClient.connect(server.url);
  await busy.write(`GET / HTTP/1.1\r\n${HOST}${CLOSE}`);
  await asked.promise;
  using late = await RawClient.connect(server.url);
  await late.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  assertMatch(await late.read(/\r\n\r\n/), /^HTTP\/1\.1 503 .*retry-after: 1/s);
  answer.resolve(new Response("done"));
  assertMatch(await busy.read(), /200 OK/);
});

Deno.test("HttpListener counts what a trusted proxy brings for the clients that it names", async () => {
  const trustedProxies = TrustedProxies.parse("127.0.0.1")!;
  const limits = { connectionsPerSource: 1, perSourceBytes: 50_000 };
  await using server = serveLoopback(echo, limits, trustedProxies);
  using clients = new DisposableStack();
  await connectMany(server.url, { count: 3, clients });
  assertEquals(server.listener.size, 3);
  const post = (client: string) =>
    `POST / HTTP/1.1\r\n${HOST}X-Forwarded-For: ${client}\r\nContent-Length: 40000\r\n\r\n`;
  using slow = await RawClient.connect(server.url);
  await slow.write(post("198.51.100.7") + "x".repeat(39_999));
  await holding(server.listener, 39_999);
  const ask = async (client: string) => {
    using socket = await RawClient.connect(server.url);
    await socket.write(post(client) + "x".repeat(40_000));
    return (await socket.read(/\r\n\r\n/)).slice(9, 12);
  };
  assertEquals([await ask("198.51.100.7"), await ask("198.51.100.8")], ["503", "200"]);
});

/** Waits until so many bytes are under way. */
async function holding(listener: { heldBytes: number }, bytes: number): Promise<void> {
  await until(() => listener.heldBytes >= bytes, "the bodies are held");
}

Deno.test("HttpListener ends the largest slow body of a source for a small one", async () => {
  await using server = serveLoopback(echo, { perSourceBytes: 50_000 });
  const head = (length: number) =>
    `POST / HTTP/1.1\r\n${HOST}Connection: close\r\nContent-Length: ${length}\r\n\r\n`;
  using large = await RawClient.connect(server.url);
  await large.write(head(40_000) + "x".repeat(30_000));
  await holding(server.listener, 30_000);
  using small = await RawClient.connect(server.url);
  await small.write(head(19_000) + "x".repeat(18_000));
  await holding(server.listener, 48_000);
  using third = await RawClient.connect(server.url);
  await third.write(head(3_000) + "x".repeat(3_000));
  assertMatch(await third.read(), /200 OK/);
  assertEquals(await large.read(), "");
  await small.write("x".repeat(1_000));
  assertMatch(await small.read(), /200 OK/);
  assertEquals(server.listener.heldBytes, 0);
});

Deno.test("HttpListener holds so many bytes of bodies, and says that it is overloaded beyond", async () => {
  const limits = { perSourceBytes: 50_000, lingerMs: 300 };
  await using server = serveLoopback(echo, limits);
  const head = `POST / HTTP/1.1\r\n${HOST}Content-Length: 40000\r\n\r\n`;
  using first = await RawClient.connect(server.url);
  await first.write(head + "x".repeat(39_999));
  await holding(server.listener, 39_999);
  using second = await RawClient.connect(server.url);
  await second.write(head + "x".repeat(40_000));
  assertMatch(await second.read(), /^HTTP\/1\.1 503 /);
  await first.write("x");
  assertMatch(await first.read(/40000/), /200 OK/);
  assertEquals(server.listener.heldBytes, 0);
});

Deno.test("shutdown() waits for answers under way, not for requests that have not come whole", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  await using server = serveLoopback(async (request) => {
    if (request.method === "POST") return await echo(request);
    asked.resolve();
    return await answer.promise;
  });
  using uploading = await RawClient.connect(server.url);
  await uploading.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 5000\r\n\r\n{`);
  using waiting = await RawClient.connect(server.url);
  await waiting.write(`GET / HTTP/1.1\r\n${HOST}\r\n`);
  await asked.promise;
  const stopped = server.listener.shutdown(10_000);
  assertEquals(await uploading.read(), "", "cut at once");
  answer.resolve(new Response("late", { headers: { "content-type": "text/plain" } }));
  assertMatch(await waiting.read(), /connection: close\r\n\r\nlate$/);
  await stopped;
  await assertRejects(() => RawClient.connect(server.url), Deno.errors.ConnectionRefused);
});

/** A server in a process with few descriptors, which says when it could not accept. */
const FEW = `
  import { HttpListener } from ${
  JSON.stringify(import.meta.resolve("../../ports/system_listener.ts"))
};
  const listener = new HttpListener({
    hostname: "127.0.0.1",
    port: 0,
    limits: { failingMs: Number(Deno.args[0]) },
    log: { log: (_level, event) => console.log(event) },
    answer: () => Promise.resolve(new Response("here", { headers: { "content-type": "text/plain" } })),
  });
  console.log(listener.port);
  listener.finished.catch((error) => {
    console.log(error.message);
    Deno.exit(1);
  });
`;

Deno.test({
  name: "HttpListener goes on when the process had no descriptor left",
  ignore: Deno.build.os === "windows",
  async fn() {
    const program = `data:application/typescript,${encodeURIComponent(FEW)}`;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const run =
      `ulimit -n 48; exec "$0" run --no-check --no-prompt -A --config="${config}" "$1" 60000`;
    const child = new Deno.Command("sh", {
      args: ["-c", run, Deno.execPath(), program],
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const port = Number((await lines.read()).value);
    {
      using held = new DisposableStack();
      for (let count = 0; count < 80; count++) {
        held.use(await RawClient.connect(`http://127.0.0.1:${port}`));
      }
      assertMatch((await lines.read()).value ?? "", /accept_failed/);
    }
    const answer = await fetch(`http://127.0.0.1:${port}`);
    assertEquals(await answer.text(), "here");
    child.kill();
    await lines.cancel();
    await child.status;
  },
});
