import { assert, assertEquals } from "@std/assert";
import type { NodeParts } from "../../../peer/node_parts.ts";
import { ConsoleNode } from "./console_node.ts";

/** What whoever may only look can ask for; everything else is the owner's. */
const VIEWABLE = [
  "GET /admin/v1/id",
  "GET /admin/v1/status",
  "GET /admin/v1/events",
  "GET /admin/v1/audit",
  "GET /admin/v1/audit/head",
  "GET /admin/v1/peers",
  "GET /admin/v1/groups",
  "GET /admin/v1/tokens",
  "GET /admin/v1/log",
  "GET /admin/v1/modules",
  "POST /admin/v1/peers/show",
];

Deno.test("Every route is the owner's unless it says otherwise", async () => {
  await using node = await ConsoleNode.start();
  const viewer = await node.visit("viewer");
  const { adminApi, modules } = (node.test.node as unknown as { inside: NodeParts }).inside;
  const ofModules = [...modules.runs.all].flatMap(({ name, registered }) =>
    registered.routes.map(({ method, pattern }) => ({
      method,
      path: `/m/${name}${pattern.replaceAll(/:[a-z_]+/g, "x")}`,
    }))
  );
  assert(ofModules.length > 30, `${ofModules.length} routes of modules`);
  const allowed: string[] = [];
  for (const { method, path } of [...adminApi.routes, ...ofModules]) {
    const response = await viewer.raw(method, path, method === "GET" ? undefined : {});
    await response.body?.cancel();
    if (response.status !== 403) allowed.push(`${method} ${path}`);
  }
  assertEquals(allowed.sort(), VIEWABLE.toSorted());
});

Deno.test("What only the shell may do is refused to the owner's browser as well", async () => {
  await using node = await ConsoleNode.start();
  const browser = await node.visit();
  for (
    const [method, path] of [
      ["POST", "/admin/v1/console/link"],
      ["GET", "/m/authentication/factors"],
      ["POST", "/m/authentication/reset"],
      ["GET", "/m/authentication/challenges"],
      ["POST", "/m/authentication/challenges/answer"],
    ] as const
  ) {
    const answer = await browser.ask(method, path, method === "GET" ? undefined : {});
    assertEquals([path, answer.status, answer.body.code], [path, 403, "forbidden"]);
  }
});
