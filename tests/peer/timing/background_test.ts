import { assertEquals } from "@std/assert";
import { CryptoError } from "../../../crypto/interface.ts";
import { Background } from "../../../peer/timing/background.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MemoryLog } from "../../world/memory_log.ts";

Deno.test("Background.settled() waits for what other work began as well", async () => {
  const background = new Background(new MemoryLog());
  const later = Promise.withResolvers<void>();
  let isDone = false;
  const first = Promise.resolve().then(() =>
    background.run("second", later.promise.then(() => void (isDone = true)))
  );
  background.run("first", first);
  const settled = background.settled().then(() => isDone);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  later.resolve();
  assertEquals(await settled, true);
});

Deno.test("Background.run() tells the log what failed, and ends nothing else", async () => {
  const log = new MemoryLog();
  const background = new Background(log);
  background.run("one", Promise.reject(new OpenRedError("overloaded", "The disk is full")));
  background.run("two", Promise.reject(new TypeError("A bug")), "z6MkPeer");
  await background.settled();
  assertEquals(log.entries[0], {
    level: "warn",
    event: "one_failed",
    fields: { code: "overloaded", text: "The disk is full" },
  });
  assertEquals(log.entries.map(({ event, fields }) => [event, fields?.peer]), [
    ["one_failed", undefined],
    ["two_failed", "z6MkPeer"],
  ]);
});

Deno.test("Background.run() lets the end of the crypto core end the node", async () => {
  const ended = Promise.withResolvers<unknown>();
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    ended.resolve(event.reason);
  };
  addEventListener("unhandledrejection", onRejection);
  const error = new CryptoError("core_failed", "The core has ended");
  new Background(new MemoryLog()).run("work", Promise.reject(error));
  assertEquals(await ended.promise, error);
  removeEventListener("unhandledrejection", onRejection);
});
