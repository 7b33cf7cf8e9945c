import { assert, assertEquals, assertFalse, assertRejects, assertThrows } from "@std/assert";
import { deleteCookie, getCookies, setCookie } from "@std/http/cookie";
import { ServerSentEventStream } from "@std/http/server-sent-event-stream";
import {
  isClientErrorStatus,
  isErrorStatus,
  isStatus,
  STATUS_CODE,
  STATUS_TEXT,
} from "@std/http/status";
import {
  createProblemDetailsResponse,
  isProblemDetailsResponse,
  parseProblemDetails,
  parseProblemDetailsResponse,
} from "@std/http/unstable-problem-details";

Deno.test("STATUS_CODE and STATUS_TEXT name the registered statuses", () => {
  assertEquals(STATUS_CODE.TooManyRequests, 429);
  assertEquals(STATUS_TEXT[STATUS_CODE.BadGateway], "Bad Gateway");
  assertEquals(Object.keys(STATUS_CODE).length, Object.keys(STATUS_TEXT).length);
  assert(isStatus(418) && !isStatus(419));
  assert(isClientErrorStatus(404) && !isClientErrorStatus(503));
  assert(isErrorStatus(503) && !isErrorStatus(499));
});

Deno.test("setCookie() writes every attribute, and getCookies() reads a request's", () => {
  const headers = new Headers();
  setCookie(headers, {
    name: "id",
    value: "a=b",
    maxAge: 5,
    domain: "host",
    path: "/p",
    secure: true,
    httpOnly: true,
    sameSite: "Strict",
    expires: new Date(0),
  });
  assertEquals(
    headers.get("Set-Cookie"),
    "id=a=b; Secure; HttpOnly; Max-Age=5; Domain=host; SameSite=Strict; Path=/p; " +
      "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
  );
  assertEquals(getCookies(new Headers({ Cookie: "a=1; b=c=d" })), { a: "1", b: "c=d" });
  assertEquals(getCookies(new Headers()), {});
});

Deno.test("setCookie() keeps the promises of prefixes and refuses bad parts", () => {
  const headers = new Headers();
  setCookie(headers, { name: "__Host-id", value: "x", domain: "host", path: "/p" });
  assertEquals(headers.get("Set-Cookie"), "__Host-id=x; Secure; Path=/");
  assertThrows(() => setCookie(headers, { name: "a b", value: "" }), SyntaxError);
  assertThrows(() => setCookie(headers, { name: "a", value: "b;c" }), SyntaxError);
  assertThrows(() => setCookie(headers, { name: "a", value: "é" }), SyntaxError);
  assertThrows(() => setCookie(headers, { name: "a", value: "", path: "/;" }), SyntaxError);
  assertThrows(() => setCookie(headers, { name: "a", value: "", domain: "a." }), SyntaxError);
  assertThrows(() => setCookie(headers, { name: "a", value: "", maxAge: -1 }), RangeError);
});

Deno.test("deleteCookie() lets a cookie expire", () => {
  const headers = new Headers();
  deleteCookie(headers, "id", { path: "/" });
  assertEquals(
    headers.get("Set-Cookie"),
    "id=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
  );
});

Deno.test("ServerSentEventStream writes events", async () => {
  const stream = ReadableStream.from([
    { comment: "hi", event: "new", data: "a\nb", id: 7, retry: 10 },
    { data: "" },
  ]).pipeThrough(new ServerSentEventStream());
  assertEquals(
    await new Response(stream).text(),
    ":hi\nevent:new\ndata:a\ndata:b\nid:7\nretry:10\n\ndata:\n\n",
  );
  const broken = ReadableStream.from([{ event: "a\nb" }]).pipeThrough(new ServerSentEventStream());
  await assertRejects(() => new Response(broken).text(), SyntaxError);
});

Deno.test("createProblemDetailsResponse() fills in type, status and title", async () => {
  const response = createProblemDetailsResponse(
    { status: 404, code: "node_unknown" },
    { headers: { "Retry-After": "5", "Content-Type": "text/html" } },
  );
  assertEquals(response.headers.get("Content-Type"), "application/problem+json");
  assertEquals(response.headers.get("Retry-After"), "5");
  assert(isProblemDetailsResponse(response));
  assertEquals(await parseProblemDetailsResponse<{ code: string }>(response), {
    type: "about:blank",
    status: 404,
    title: "Not Found",
    code: "node_unknown",
  });
  assertEquals(createProblemDetailsResponse({ type: "urn:x" }).status, 500);
  assertThrows(() => createProblemDetailsResponse({ status: 4.5 }), RangeError);
});

Deno.test("parseProblemDetails() drops members of a wrong type and refuses what is no object", () => {
  const input = { type: 5, status: "404", title: "T", instance: null, code: 1 };
  assertEquals(parseProblemDetails<{ code: number }>(input), { title: "T", code: 1 });
  assertThrows(() => parseProblemDetails([]), TypeError, "an array");
  assertFalse(isProblemDetailsResponse(new Response("{}")));
});
