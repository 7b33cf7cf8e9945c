import { assert, assertEquals } from "@std/assert";
import { startModule, tryInside } from "./world.ts";

/** All that the language has and a module may use. */
const LANGUAGE =
  `AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Date
  Error EvalError Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array
  Int8Array Intl Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set
  String Symbol SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef
  WeakSet decodeURI decodeURIComponent encodeURI encodeURIComponent escape globalThis isFinite isNaN parseFloat parseInt
  undefined unescape AsyncDisposableStack DisposableStack SuppressedError Temporal`.split(/\s+/);

const GIVEN = ["TextDecoder", "TextEncoder", "clearTimeout", "setTimeout", "openred turn"];

Deno.test("a module sees the language, timers and text codecs, and nothing else", async () => {
  const outcomes = await tryInside({
    names: "return Object.getOwnPropertyNames(globalThis).sort().join()",
    prototypes: `
      const seen = [];
      for (let at = globalThis; at !== null; at = Object.getPrototypeOf(at)) seen.push(...Reflect.ownKeys(at).map(String));
      return seen.sort().join()`,
  });
  const allowed = new Set([...LANGUAGE, ...GIVEN, "port"]);
  const names = outcomes.names!.slice("gave ".length).split(",");
  assertEquals(names.filter((name) => !allowed.has(name)), []);
  assert(GIVEN.every((name) => names.includes(name)));
  for (const name of ["Deno", "process", "fetch", "postMessage", "Worker", "caches"]) {
    assert(!outcomes.prototypes!.split(",").includes(name));
  }
});

/** Each would be a way to files, network, other threads, the process, or memory that nobody counts. */
const CLOSED =
  `Deno process fetch WebSocket EventSource Worker SharedWorker BroadcastChannel MessageChannel
  MessagePort caches CacheStorage localStorage sessionStorage indexedDB navigator location prompt alert confirm close
  self postMessage onmessage importScripts structuredClone SharedArrayBuffer Atomics WebAssembly console eval require
  module Buffer global performance crypto Request Response URL Blob addEventListener dispatchEvent reportError
  setInterval setImmediate queueMicrotask FinalizationRegistry`.split(/\s+/);

Deno.test("what reaches the world is not there", async () => {
  const outcomes = await tryInside(
    Object.fromEntries(CLOSED.map((name) => [name, `return ${name}`])),
  );
  assertEquals(
    outcomes,
    Object.fromEntries(
      CLOSED.map((name) => [name, `threw ReferenceError: ${name} is not defined`]),
    ),
  );
});

Deno.test("code cannot be made of text", async () => {
  const outcomes = await tryInside({
    Function: `return new Function("return 1")()`,
    "async function": `return (async () => {}).constructor("return 1")()`,
    generator: `return (function* () {}).constructor("return 1")().next().value`,
    "async generator": `return (async function* () {}).constructor("return 1")`,
    "a timer's text": `return setTimeout("1")`,
    "another's Function": `return port.post.constructor("return 1")()`,
    "an array's Function": `return [].map.constructor("return 1")()`,
  });
  for (const [attempt, outcome] of Object.entries(outcomes)) {
    assert(
      /^threw (EvalError|TypeError: Expected a function)/.test(outcome),
      `${attempt}: ${outcome}`,
    );
  }
});

/**
 * Goes through all that can be reached from some objects, and names what is of another realm: one such object would
 * bring the thread's own `Function`, and with it everything in the thread.
 */
const FIND_FOREIGN = `
  function findForeign(roots) {
    const seen = new Set();
    const foreign = [];
    const waiting = roots.map((root, index) => [String(index), root]);
    while (waiting.length > 0) {
      const [path, value] = waiting.pop();
      const isObject = typeof value === "object" && value !== null || typeof value === "function";
      // Some getters make something new each time.
      if (!isObject || seen.has(value) || path.split(".").length > 8) continue;
      seen.add(value);
      let top = value;
      while (Object.getPrototypeOf(top) !== null) top = Object.getPrototypeOf(top);
      const isHere = top === Object.prototype || top === value && typeof value === "object";
      if (!isHere) foreign.push(path);
      waiting.push([path + ".__proto__", Object.getPrototypeOf(value)]);
      for (const key of Reflect.ownKeys(value)) {
        const { value: member, get, set } = Object.getOwnPropertyDescriptor(value, key);
        const name = path + "." + String(key);
        waiting.push([name, member], [name + " get", get], [name + " set", set]);
        if (get !== undefined) {
          try {
            waiting.push([name + "()", value[key]]);
          } catch (error) {
            waiting.push([name + " error", error]);
          }
        }
      }
    }
    return foreign.join(" ");
  }
`;

Deno.test("no object of another realm is within reach", async () => {
  const outcomes = await tryInside({
    "from the global object": `${FIND_FOREIGN} return findForeign([globalThis, globalThis.port])`,
    "from what is given": `${FIND_FOREIGN}
      const encoder = new TextEncoder();
      const bytes = encoder.encode("é");
      return findForeign([encoder, bytes, bytes.buffer, new TextDecoder(), setTimeout(() => {}, 0)])`,
    "from what is thrown": `${FIND_FOREIGN}
      const thrown = [];
      const attempts = [
        () => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255])),
        () => new TextDecoder().decode({}),
        () => new TextDecoder().decode(new Proxy(new Uint8Array(1), {})),
        () => new TextEncoder().encode(Symbol()),
        () => new Function("1"),
        () => setTimeout(1),
        () => null.x,
        () => "x".repeat(2 ** 30).repeat(9),
      ];
      for (const attempt of attempts) {
        try { attempt() } catch (error) { thrown.push(error) }
      }
      return thrown.length + ":" + findForeign(thrown)`,
    "from a full stack": `${FIND_FOREIGN}
      const thrown = new Set();
      const works = [
        () => new TextEncoder().encode("x"), () => new TextDecoder().decode(new Uint8Array(1)),
        () => setTimeout(() => {}, 1e6), () => clearTimeout(setTimeout(() => {}, 1e6)), () => new Error("x").stack,
        globalThis["openred turn"],
      ];
      for (const work of works) {
        let unwound = 0;
        function deepen() {
          try { deepen() } catch (error) { thrown.add(error) }
          if (++unwound > 50) return;
          try { work() } catch (error) { thrown.add(error) }
        }
        deepen();
      }
      return (thrown.size > 5) + ":" + findForeign([...thrown])`,
    "from a promise": `${FIND_FOREIGN}
      const seen = [];
      const plain = Promise.prototype.then;
      Promise.prototype.then = function (...values) { seen.push(this, ...values); return plain.apply(this, values) };
      await new Promise((resolve) => setTimeout(resolve, 1));
      await { then(...values) { seen.push(...values); values[0](1) } };
      Promise.prototype.then = plain;
      return (seen.length > 1) + ":" + findForeign(seen)`,
  });
  assertEquals(outcomes, {
    "from the global object": "gave ",
    "from what is given": "gave ",
    "from what is thrown": "gave 8:",
    "from a full stack": "gave true:",
    "from a promise": "gave true:",
  });
});

Deno.test("the engine's call sites, objects of another realm, are never handed out", async () => {
  const outcomes = await tryInside(Object.fromEntries(
    Object.entries({
      assigned: "Error.prepareStackTrace = take;",
      defined: "Object.defineProperty(Error, 'prepareStackTrace', { value: take });",
      deleted: "delete Error.prepareStackTrace; Error.prepareStackTrace = take;",
      "another Error": "globalThis.Error = { prepareStackTrace: take };",
      "another Error, defined":
        "Object.defineProperty(globalThis, 'Error', { get: () => ({ prepareStackTrace: take }) });",
      "an Error that was deleted":
        "delete globalThis.Error; globalThis.Error = { prepareStackTrace: take };",
      "a subclass": "class E extends Error { static prepareStackTrace = take }; new E('x').stack;",
      "another TypeError":
        "TypeError.prepareStackTrace = take; try { null.x } catch (e) { e.stack }",
      "its prototype":
        "Function.prototype.prepareStackTrace = take; Object.prototype.prepareStackTrace = take;",
      captured: "const o = { prepareStackTrace: take }; Error.captureStackTrace(o); o.stack;",
    }).map(([name, code]) => [
      name,
      `const got = [];
      const take = (_error, sites) => { got.push(...sites); return "" };
      try { ${code} } catch {}
      try { null.x } catch (error) { error.stack }
      new RangeError("x").stack;
      return got.length`,
    ]),
  ));
  for (const [attempt, outcome] of Object.entries(outcomes)) {
    assertEquals(outcome, "gave 0", attempt);
  }
});

Deno.test("timers and text codecs work as elsewhere", async () => {
  const outcomes = await tryInside({
    "text": `return new TextDecoder().decode(new TextEncoder().encode("é🙂\\0"))`,
    "no UTF-8": `return new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255]))`,
    "no UTF-8, but lenient": `return new TextDecoder().decode(new Uint8Array([255])) === "\\ufffd"`,
    "a timer": `return await new Promise((resolve) => setTimeout(resolve, 1, "fired"))`,
    "a cleared timer": `
      let fired = 0;
      clearTimeout(setTimeout(() => fired++, 0));
      await new Promise((resolve) => setTimeout(resolve, 20));
      return fired`,
    "too many timers": `for (;;) setTimeout(() => {}, 1e6)`,
  });
  assertEquals(outcomes, {
    "text": "gave é🙂\0",
    "no UTF-8": "threw TypeError: Expected a Uint8Array that holds UTF-8",
    "no UTF-8, but lenient": "gave true",
    "a timer": "gave fired",
    "a cleared timer": "gave 0",
    "too many timers": "threw RangeError: There are too many timers",
  });
});

Deno.test("the default export goes to the guest, which runs before the file", async () => {
  const guest = `(port) => {
    const { encode } = new TextEncoder();
    globalThis.before = true;
    return (exported) => port.post(encode(JSON.stringify(exported)));
  }`;
  const forms = [
    "export default { name: String(before) };",
    "const made = { name: 'true' };\nexport { made as default };",
    "const made={name:'true'};export{made as default};",
    "await null;\nexport default { name: 'true' }",
    "#!/usr/bin/env x\nexport default { name: 'true' }",
  ];
  for (const code of forms) {
    const { worker, next } = startModule(code, { guest });
    assertEquals(await next(), `{"name":"true"}`);
    assert(await worker.ready);
    await worker.terminate();
  }
});
