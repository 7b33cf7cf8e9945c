import { assertEquals, assertStringIncludes } from "@std/assert";
import { linkPageOf } from "../../directory/link_page/answer.ts";
import { RealDirectory } from "../world/real_directory.ts";

const BASE = "https://dir.example";

Deno.test("the page about a link is fixed, and every file of it runs under its policy alone", async () => {
  await using directory = await new RealDirectory().start();
  for (const name of ["", "page.css", "page.js", "qrcode.js", "words.js"]) {
    const answer = await fetch(`${directory.url}/i/${name}`);
    assertEquals([name, answer.status], [name, 200]);
    const policy = answer.headers.get("content-security-policy") ?? "";
    for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]) {
      assertStringIncludes(policy, part);
    }
    assertEquals(policy.includes("unsafe"), false);
    assertEquals(policy.includes("connect-src"), false, "nothing can be sent anywhere");
    assertEquals(answer.headers.get("referrer-policy"), "no-referrer");
    const html = await answer.text();
    if (name === "") {
      assertEquals(
        /<script(?! type="module" src="page.js">)|<style|style=|onclick/.test(html),
        false,
      );
    }
  }
});

Deno.test("the page about a link answers GET and HEAD below /i/, and nothing else", async () => {
  const page = linkPageOf(`${BASE}/below`);
  const ask = (path: string, method = "GET") => page(new Request(BASE + path, { method }));
  assertEquals(ask("/"), null);
  assertEquals(ask("/index"), null);
  const moved = await ask("/i")!;
  assertEquals([moved.status, moved.headers.get("location")], [308, "i/"]);
  assertEquals([(await ask("/i/?x")!).status, (await ask("/below/i/")!).status], [200, 200]);
  assertEquals(ask("/below/below/i/"), null);
  assertEquals((await ask("/i/nothing")!).status, 404);
  const head = await ask("/i/", "HEAD")!;
  assertEquals([head.status, await head.text()], [200, ""]);
  const refused = await ask("/i/", "POST")!;
  assertEquals([refused.status, refused.headers.get("allow")], [405, "GET, HEAD"]);
});
