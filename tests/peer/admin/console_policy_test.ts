import { assert, assertEquals } from "@std/assert";
import { PageFiles } from "../../../modules/console/page_files.ts";
import { ConsoleNode } from "../../modules/authentication/console_node.ts";
import { CONSOLE, type ConsoleBrowser } from "../../world/console_browser.ts";
import { checkConsolePolicy } from "../../world/console_policy.ts";

/** The answers of one browser, each looked at. */
class Walk {
  readonly statuses = new Set<number>();
  readonly #browser: ConsoleBrowser;

  constructor(browser: ConsoleBrowser) {
    this.#browser = browser;
  }

  async ask(
    [method, path, content]: readonly [string, string, unknown?],
    headers: Record<string, string | null> = {},
  ): Promise<number> {
    this.#browser.headers = headers;
    const answer = await this.#browser.raw(method, path, content);
    await answer.body?.cancel();
    this.#browser.headers = {};
    const isOwnHost = headers.host === undefined;
    const isOfPage = new URL(path, CONSOLE).pathname.startsWith("/console/");
    const origin = isOwnHost && isOfPage ? CONSOLE : null;
    checkConsolePolicy(answer.headers, origin, `${method} ${path} ${answer.status}`);
    this.statuses.add(answer.status);
    return answer.status;
  }
}

Deno.test("every answer of the console's listener is under its policy, whatever it is", async () => {
  const page = new PageFiles();
  await using node = await ConsoleNode.start({}, {
    consolePage: (request) => page.answer(request),
  });
  const stranger = new Walk(node.browser());
  for (
    const request of [
      ["GET", "/"],
      ["GET", "/console/"],
      ["HEAD", "/console/"],
      ["GET", "/console"],
      ["GET", "/console/page.css"],
      ["GET", "/console/icon.svg"],
      ["GET", "/console/../etc/passwd"],
      ["GET", "/console/%2e%2e/x"],
      ["GET", "/console/__proto__"],
      ["POST", "/console/", {}],
      ["GET", "/nothing"],
      ["GET", "/admin/v1/status"],
      ["GET", "/auth/v1/session"],
      ["POST", "/auth/v1/link", { secret: "x" }],
      ["POST", "/auth/v1/sign-in", { factor: {} }],
      ["PUT", "/auth/v1/sign-in", {}],
    ] as const
  ) await stranger.ask(request);
  await stranger.ask(["GET", "/console/page.js"], { "service-worker": "script" });
  await stranger.ask(["GET", "/console/"], { host: "evil.example" });
  await stranger.ask(["GET", "/console/"], { host: "127.0.0.1:7610" });
  await stranger.ask(["GET", "/admin/v1/status"], { "sec-fetch-site": "cross-site" });
  await stranger.ask(["GET", "/console/"], { "if-none-match": "*" });
  const seen = [...stranger.statuses].sort();
  for (const status of [302, 400, 401, 403, 404, 405]) assert(seen.includes(status), `${status}`);

  const owner = new Walk(await node.visit());
  for (
    const path of [
      ...["id", "status", "events", "peers", "tokens", "audit", "audit/export", "audit/verify"],
      ...["groups", "modules", "places", "settings", "passphrase", "requests", "invitations", "x"],
    ]
  ) await owner.ask(["GET", `/admin/v1/${path}`]);
  for (
    const path of [
      "messaging/conversations",
      "messaging/inbox",
      "file_sharing/offers",
      "file_sharing/pictures/x",
      "authentication/challenges",
      "monitoring/numbers",
      "nobody/x",
    ]
  ) await owner.ask(["GET", `/m/${path}`]);
  await owner.ask(["POST", "/admin/v1/backup", { passphrase: "bG9uZw" }]);
  assertEquals(await owner.ask(["POST", "/admin/v1/backup", { passphrase: 1 }]), 400);
  assertEquals(await owner.ask(["POST", "/admin/v1/console/link", { role: "owner" }]), 403);
  assertEquals(await owner.ask(["DELETE", "/admin/v1/status"]), 405);
  await node.test.clock.advance(21 * 60_000);
  const module = { module: "messaging" };
  assertEquals(await owner.ask(["POST", "/admin/v1/modules/enable", module]), 403);
  assertEquals(await owner.ask(["POST", "/auth/v1/sign-out", {}]), 200);
  assertEquals(await owner.ask(["GET", "/admin/v1/events"]), 401);
});
