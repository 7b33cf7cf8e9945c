import { assert, assertEquals } from "@std/assert";
import { PageFiles } from "../../../modules/console/page_files.ts";

const ORIGIN = "http://localhost:7610";

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return new PageFiles().answer(new Request(`${ORIGIN}${path}`, init));
}

const hasScript = (await ask("/console/")).status === 200;

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

Deno.test({
  name: "the page has no script or style of its own, and is small",
  ignore: !hasScript,
  fn: async () => {
    const html = await (await ask("/console/")).text();
    assert(!/<script[^>]*>[^<]|<style|\son\w+=|\sstyle=/.test(html));
    let bytes = 0;
    for (const path of ["", "page.js", "scan.js", "page.css", "icon.svg"]) {
      const { body } = await ask(`/console/${path}`);
      const packed = body!.pipeThrough(new CompressionStream("gzip"));
      bytes += (await new Response(packed).bytes()).length;
    }
    assert(bytes <= 120 * 1024, `the page takes ${bytes} bytes`);
  },
});
