import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { ERROR_STATUS, type ErrorCode, hasCode, OpenRedError } from "../../protocol/errors.ts";
import { jsonResponse, problemResponse, readBody } from "../../protocol/http.ts";

interface StreamedBody {
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
  readonly contentLength?: string;
  readonly failure?: Error;
}

/** A request whose body comes in these chunks; `pulled` counts how many were asked for. */
function streamed(body: StreamedBody): { request: Request; pulled: () => number } {
  let pulled = 0;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const chunk = body.chunks[pulled++];
      if (chunk !== undefined) controller.enqueue(chunk);
      else if (body.failure !== undefined) controller.error(body.failure);
      else controller.close();
    },
  }, { highWaterMark: 0 });
  const headers = new Headers();
  if (body.contentLength !== undefined) headers.set("content-length", body.contentLength);
  const init = { method: "POST", body: stream, headers, duplex: "half" };
  return { request: new Request("http://127.0.0.1/", init as RequestInit), pulled: () => pulled };
}

async function assertBodyRefused(request: Request, code: ErrorCode): Promise<void> {
  const error = await assertRejects(() => readBody(request, 8), OpenRedError);
  assertEquals(error.code, code);
}

Deno.test("readBody() reads up to the cap, in any chunks", async () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 5 }).map((bytes) => new Uint8Array(bytes)), {
    maxLength: 5,
  });
  await fc.assert(fc.asyncProperty(chunks, async (parts) => {
    const whole = parts.flatMap((part) => [...part]);
    const { request } = streamed({ chunks: parts });
    if (whole.length > 8) return await assertBodyRefused(request, "too_large");
    assertEquals(await readBody(request, 8), Uint8Array.from(whole));
  }));
});

Deno.test("readBody() takes no body for an empty one", async () => {
  assertEquals(await readBody(new Request("http://127.0.0.1/"), 8), new Uint8Array());
});

Deno.test("readBody() refuses a long content-length without reading", async () => {
  const { request, pulled } = streamed({ chunks: [new Uint8Array(1)], contentLength: "9" });
  await assertBodyRefused(request, "too_large");
  assertEquals(pulled(), 0);
});

Deno.test("readBody() does not believe a short or senseless content-length", async () => {
  for (const contentLength of ["0", "8", "-1", "abc", "NaN", ""]) {
    const long = streamed({ chunks: [new Uint8Array(9)], contentLength });
    await assertBodyRefused(long.request, "too_large");
    const short = streamed({ chunks: [new Uint8Array(8)], contentLength });
    assertEquals((await readBody(short.request, 8)).length, 8);
  }
});

Deno.test("readBody() stops reading where the cap is passed", async () => {
  const { request, pulled } = streamed({ chunks: Array(1000).fill(new Uint8Array(4)) });
  await assertBodyRefused(request, "too_large");
  assertEquals(pulled(), 3);
});

Deno.test("readBody() answers bad_request to a body that broke off", async () => {
  const failure = new Error("cut");
  await assertBodyRefused(streamed({ chunks: [], failure }).request, "bad_request");
  await assertBodyRefused(
    streamed({ chunks: [new Uint8Array(3)], failure }).request,
    "bad_request",
  );
});

Deno.test("problemResponse() gives every code its status", async () => {
  for (const [code, status] of Object.entries(ERROR_STATUS)) {
    const response = problemResponse(new OpenRedError(code as ErrorCode, "What happened"));
    assertEquals(response.status, status);
    assertEquals(response.headers.get("content-type"), "application/problem+json");
    assertEquals(response.headers.get("retry-after"), null);
    const problem = await response.json();
    assertEquals([problem.code, problem.status, problem.detail], [code, status, "What happened"]);
  }
});

Deno.test("problemResponse() puts members beside code and rounds Retry-After up", async () => {
  const waits = [[0, "1"], [1, "1"], [1000, "1"], [1001, "2"], [60_000, "60"]] as const;
  for (const [retryAfterMs, seconds] of waits) {
    const members = { record: "a.b.c" };
    const error = new OpenRedError("seq_behind", "Newer", { retryAfterMs, members });
    const response = problemResponse(error);
    assertEquals(response.headers.get("retry-after"), seconds);
    assertEquals((await response.json()).record, "a.b.c");
  }
});

Deno.test("problemResponse() never shows a cause", async () => {
  const cause = new Error("s3cr3t");
  const response = problemResponse(new OpenRedError("internal", "It failed", { cause }));
  assertEquals((await response.text()).includes("s3cr3t"), false);
});

Deno.test("jsonResponse() is never cached or sniffed", async () => {
  const response = jsonResponse({ a: 1 }, 201);
  assertEquals([response.status, await response.json()], [201, { a: 1 }]);
  assertEquals(response.headers.get("content-type"), "application/json");
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals(response.headers.get("x-content-type-options"), "nosniff");
});

Deno.test("hasCode() tells the codes of OpenRedError apart from everything else", () => {
  const error = new OpenRedError("seq_behind", "Newer");
  assert(hasCode(error, "pair_seen", "seq_behind"));
  assertEquals(hasCode(error, "pair_seen"), false);
  assertEquals(hasCode({ code: "seq_behind" }, "seq_behind"), false);
});
