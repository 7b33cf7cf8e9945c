import { assertEquals } from "@std/assert";
import { TestNode } from "../test_node.ts";

Deno.test("the owner sees the level of the log, and sets it to one that there is", async () => {
  await using test = await TestNode.start();
  assertEquals((await test.admin("GET", "/log")).body, { level: "info" });
  assertEquals((await test.admin("POST", "/log", { level: "debug" })).body, { level: "debug" });
  assertEquals((await test.admin("GET", "/log")).body, { level: "debug" });
  for (const body of [{}, { level: "all" }, { level: "info", for: 1 }, { level: null }]) {
    assertEquals((await test.admin("POST", "/log", body)).status, 400);
  }
  assertEquals((await test.admin("PUT", "/log", {})).status, 405);
  assertEquals((await test.admin("GET", "/log")).body, { level: "debug" });
});
