import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createModuleWorkers } from "../../../ports/system_module_workers.ts";
import type { ModuleEndCode, ModuleLimits } from "../../../ports/module_workers.ts";
import { endOf, OPEN_GUEST, startModule } from "./world.ts";

/** Whatever else a module is ended for comes sooner, on a busy machine too. */
const PATIENT: Partial<ModuleLimits> = {
  turnMs: 60_000,
  unresponsiveMs: 120_000,
  startMs: 120_000,
};
/** For what is ended because of the time that it takes. */
const STRICT: Partial<ModuleLimits> = { ...PATIENT, turnMs: 500 };

const ENDS: readonly {
  readonly name: string;
  readonly code: string;
  readonly why: ModuleEndCode;
  readonly detail?: string;
  readonly limits?: Partial<ModuleLimits>;
}[] = [
  { name: "is no JavaScript", code: "let let = 1", why: "load_failed", detail: "SyntaxError" },
  {
    name: "throws at load",
    code: "throw new Error('broken')",
    why: "load_failed",
    detail: "broken",
  },
  { name: "throws null", code: "throw null", why: "load_failed" },
  {
    name: "throws what cannot be shown",
    code: "throw { get stack() { throw this }, toString() { throw this } }",
    why: "load_failed",
    detail: "cannot be shown",
  },
  {
    name: "leaves its wrapping",
    code: "}); throw new Error('out'); (() => {",
    why: "load_failed",
    detail: "out",
  },
  { name: "leaves its wrapping for something else", code: "}), (7", why: "load_failed" },
  {
    name: "throws in a timer",
    code: "setTimeout(() => { throw new Error('late') }, 300)",
    why: "failed",
    detail: "late",
  },
  {
    name: "rejects later",
    code: "setTimeout(() => Promise.reject(new Error('late')), 300)",
    why: "failed",
    detail: "late",
  },
  {
    name: "has two default exports",
    code: "export default 1;\nexport default 2;",
    why: "load_failed",
    detail: "one default",
  },
  { name: "exports a name", code: "export const name = 1;", why: "load_failed", detail: "export" },
  {
    name: "recurses without end",
    code: "const deepen = () => deepen() + 1; deepen()",
    why: "load_failed",
    detail: "RangeError",
  },
  {
    name: "exits the process",
    code: "process.exit(0)",
    why: "load_failed",
    detail: "process is not defined",
  },
  { name: "exits Deno", code: "Deno.exit(0)", why: "load_failed", detail: "Deno is not defined" },
  { name: "closes itself", code: "close()", why: "load_failed", detail: "close is not defined" },
  { name: "loops at load", code: "for (;;);", why: "unresponsive", limits: STRICT },
  {
    name: "loops in jobs",
    code: "const next = () => { Promise.resolve().then(next); }; next();",
    why: "unresponsive",
    limits: STRICT,
  },
  {
    name: "loops in a regular expression",
    code: "/^(a+)+$/.test('a'.repeat(60) + 'b')",
    why: "unresponsive",
    limits: STRICT,
  },
  {
    name: "loops later",
    code: "setTimeout(() => { for (;;); }, 300)",
    why: "unresponsive",
    limits: STRICT,
  },
  {
    name: "never comes to its end",
    code: "await new Promise(() => {})",
    why: "start_timeout",
    limits: { ...PATIENT, startMs: 1_000 },
  },
  { name: "posts an object", code: "port.post({})", why: "bad_message" },
  { name: "posts a number", code: "port.post(1)", why: "bad_message" },
  { name: "posts a buffer", code: "port.post(new ArrayBuffer(1))", why: "bad_message" },
  { name: "posts other numbers", code: "port.post(new Uint16Array(1))", why: "bad_message" },
  { name: "posts a view", code: "port.post(new DataView(new ArrayBuffer(1)))", why: "bad_message" },
  {
    name: "posts a stand-in",
    code: "port.post(new Proxy(new Uint8Array(1), {}))",
    why: "bad_message",
  },
  {
    name: "posts a look-alike",
    code:
      "port.post({ __proto__: Uint8Array.prototype, length: 1, [Symbol.toStringTag]: 'Uint8Array' })",
    why: "bad_message",
  },
  {
    name: "posts too much at once",
    code: "port.post(new Uint8Array(2 ** 20 + 1))",
    why: "message_too_long",
  },
  { name: "floods", code: "for (;;) port.post(new Uint8Array(1))", why: "flood" },
  {
    name: "floods with large messages",
    code: "for (;;) port.post(new Uint8Array(2 ** 20))",
    why: "flood",
  },
];

Deno.test("a module that does not behave is ended, and the reason named", async (t) => {
  for (const { name, code, why, detail, limits } of ENDS) {
    await t.step(name, async () => {
      const end = await endOf(code, { limits: limits ?? PATIENT });
      assertEquals(end.why, why, end.detail);
      assertStringIncludes(end.detail, detail ?? "");
    });
  }
});

Deno.test("a detail written by a module is short", async () => {
  const { detail } = await endOf("throw 'x'.repeat(1e6)");
  assertEquals(detail.length, 500);
});

Deno.test("a heap beyond its limit ends its module alone", async () => {
  const other = startModule("port.listen((bytes) => port.post(bytes))");
  assert(await other.worker.ready);
  const end = await endOf("const kept = []; for (;;) kept.push({ a: [1, 2, 3] })", {
    heapMiB: 32,
    limits: PATIENT,
  });
  assertEquals(end.why, "heap_full");
  other.worker.post(new TextEncoder().encode("still here"));
  assertEquals(await other.next(), "still here");
  await other.worker.terminate();
});

Deno.test("a process beyond its limit ends all modules", async () => {
  const { rss } = Deno.memoryUsage();
  const workers = createModuleWorkers({ processBytes: rss + 150 * 2 ** 20 });
  const common = { guest: OPEN_GUEST, heapMiB: 32, onMessage: () => true };
  const quiet = workers.start({ ...common, name: "quiet.js", code: "" });
  assert(await quiet.ready);
  const growing = workers.start({
    ...common,
    name: "growing.js",
    code: `
      const kept = [];
      const grow = () => {
        kept.push(new Uint8Array(2 ** 22).fill(1));
        setTimeout(grow, 0);
      };
      grow();
    `,
  });
  const ends = await Promise.all([quiet.ended, growing.ended]);
  const [quietWhy, growingWhy] = ends.map(({ why }) => why);
  assertEquals(growingWhy, "memory_full");
  // One that fills it before it is measured leaves everybody suspect.
  assert(["memory_shared", "memory_full"].includes(quietWhy!), quietWhy);
  const next = createModuleWorkers().start({ ...common, name: "next.js", code: "" });
  assert(await next.ready);
  await next.terminate();
});

/** What the process holds of the system, after some modules ended in every way that there is. */
Deno.test("nothing is left behind by modules that ended", async () => {
  const script = new URL("./left_behind.ts", import.meta.url);
  // Of its own process, as other tests make threads too, and only with all permissions are they counted.
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-A", script.pathname],
    stderr: "inherit",
  }).output();
  assertEquals(code, 0);
  const { first, last } = JSON.parse(new TextDecoder().decode(stdout));
  assert(last.threads <= first.threads, `${first.threads} threads became ${last.threads}`);
  assert(last.descriptors <= first.descriptors, `${first.descriptors} became ${last.descriptors}`);
});
