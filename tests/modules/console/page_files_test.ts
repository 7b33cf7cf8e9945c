import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { PageFiles } from "../../../modules/console/page_files.ts";

const ORIGIN = "http://localhost:7610";

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return new PageFiles().answer(new Request(`${ORIGIN}${path}`, init));
}

const hasScript = (await ask("/console/")).status === 200;

/** What a browser is told with everything, refusals included. */
function checkHeaders({ headers }: Response): void {
  const policy = headers.get("content-security-policy") ?? "";
  const rules = new Map(
    policy.split("; ").map((rule) => {
      const [name = "", ...values] = rule.split(" ");
      return [name, values.join(" ")];
    }),
  );
  assertEquals(rules.get("default-src"), "'none'");
  assertEquals(rules.get("script-src"), `${ORIGIN}/console/`);
  assertEquals(rules.get("style-src"), `${ORIGIN}/console/`);
  assertEquals(rules.get("frame-ancestors"), "'none'");
  assertEquals(rules.get("base-uri"), "'none'");
  assertEquals(rules.get("form-action"), "'none'");
  assertEquals(rules.get("object-src"), "'none'");
  assertEquals(rules.get("require-trusted-types-for"), "'script'");
  assert(!/unsafe|data:|\*/.test(policy));
  assertEquals(headers.get("cache-control"), "no-store");
  assertEquals(headers.get("x-content-type-options"), "nosniff");
  assertEquals(headers.get("referrer-policy"), "no-referrer");
  assertStringIncludes(headers.get("permissions-policy")!, "camera=(self)");
}

Deno.test("every answer has the page's policy", async () => {
  const answers = await Promise.all([
    ask("/console/"),
    ask("/console"),
    ask("/console/page.js"),
    ask("/console/page.css"),
    ask("/console/icon.svg"),
    ask("/console/other"),
    ask("/console/../etc"),
    ask("/console/", { method: "POST", body: "{}" }),
    ask("/console/page.js", { headers: { "service-worker": "script" } }),
  ]);
  for (const answer of answers) {
    checkHeaders(answer);
    await answer.body?.cancel();
  }
});

Deno.test("what is no file of the page is refused", async () => {
  for (
    const [path, init, status] of [
      ["/console/", { method: "POST", body: "{}" }, 405],
      ["/console/page.js", { headers: { "service-worker": "script" } }, 403],
    ] as const
  ) {
    const answer = await ask(path, init);
    await answer.body?.cancel();
    assertEquals(answer.status, status);
  }
  const missing = await ask("/console/__proto__");
  await missing.body?.cancel();
  assertEquals(missing.status, 404);
});

Deno.test("the path without a slash leads to the page", async () => {
  const answer = await ask("/console");
  assertEquals([answer.status, answer.headers.get("location")], [302, "/console/"]);
});

Deno.test({
  name: "the page has no script or style of its own, and is small",
  ignore: !hasScript,
  fn: async () => {
    const html = await (await ask("/console/")).text();
    assert(!/<script[^>]*>[^<]|<style|\son\w+=|\sstyle=/.test(html));
    let bytes = 0;
    for (const path of ["", "page.js", "page.css", "icon.svg"]) {
      const { body } = await ask(`/console/${path}`);
      const packed = body!.pipeThrough(new CompressionStream("gzip"));
      bytes += (await new Response(packed).bytes()).length;
    }
    assert(bytes <= 120 * 1024, `the page takes ${bytes} bytes`);
  },
});
