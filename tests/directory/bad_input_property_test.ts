import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ROUTES } from "../../directory/routes.ts";
import { ERROR_STATUS, type ErrorCode } from "../../protocol/errors.ts";
import { TestDirectory } from "./test_directory.ts";

const RUNS = 3_000;

const names = ["record", "succession", "target", "must", "v", "__proto__", "constructor"];
const jsonBody = fc.dictionary(
  fc.constantFrom(...names),
  fc.oneof(fc.jsonValue(), fc.constantFrom("a.b.c", "e30.e30.e30", "x".repeat(3000), ["fly"])),
).map((content) => JSON.stringify(content));
const deep = fc.integer({ min: 1, max: 7_000 })
  .map((depth) => `{"record":${"[".repeat(depth)}${"]".repeat(depth)}}`);
const body = fc.oneof(
  jsonBody,
  deep,
  fc.json(),
  fc.string({ maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }),
  fc.integer({ min: 16_000, max: 17_000 }).map((length) => " ".repeat(length)),
);
const tail = fc.oneof(
  fc.constant(""),
  fc.string({ maxLength: 30 }),
  fc.constantFrom(
    "/",
    "/z6Mk",
    "/%FF",
    "/%",
    "?limit=0",
    "?cursor=%00",
    "?status=x&status=y",
    "//",
    "/..",
  ),
);
const request = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW"),
  path: fc.tuple(fc.constantFrom(...ROUTES.map(({ path }) => path), ""), tail)
    .map(([path, rest]) => path.replace(":id", "z6Mk") + rest),
  proof: fc.option(
    fc.oneof(fc.constantFrom("", "a.b.c", "e30.e30.e30", "x".repeat(9_000)), fc.base64String()),
  ),
  length: fc.option(fc.constantFrom("0", "-1", "x", "99999999999999", "1e3", "5")),
  body,
});

Deno.test("Whatever is sent, the answer is below 500 and a refusal has its code", async () => {
  await using test = await TestDirectory.start();
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, proof, length, body }) => {
      const headers: Record<string, string> = {};
      if (proof !== null) headers["OpenRed-Proof"] = proof;
      if (length !== null) headers["content-length"] = length;
      const hasBody = method !== "GET" && method !== "HEAD";
      const content = typeof body === "string" ? body : new Uint8Array(body);
      const full = path.startsWith("/") ? path : `/${path}`;
      const answer = await test.ask(method, full, {
        headers,
        ...(hasBody ? { body: content } : {}),
      });
      assert(answer.status < 500, `${answer.status}`);
      if (answer.status < 400 || method === "HEAD") return;
      assertEquals(ERROR_STATUS[answer.body.code as ErrorCode], answer.status);
    }),
    { numRuns: RUNS },
  );
  assertEquals(test.logged.filter((event) => event === "request_failed"), []);
});
