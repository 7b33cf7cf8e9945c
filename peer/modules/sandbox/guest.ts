/**
 * What runs beside a module's file in its thread: it gives the module its context, and tells the host what the module
 * registers. The function is not called here: its text is run there, so it uses its argument and the language alone.
 *
 * @module
 */
import type {
  MiddlewareCall,
  OpenRedModule,
  PeerFrame,
  RouteHandler,
} from "../../../modules/api.ts";

interface GuestPort {
  post(bytes: Uint8Array): void;
  listen(listener: (bytes: Uint8Array) => void): void;
}

type Json = Record<string, unknown>;
type Answer = { value?: unknown; parts?: readonly Uint8Array[] };

/** @returns Takes the file's default export. */
export function guest(port: GuestPort): (exported: unknown) => void {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const POOL_BYTES = 8_192;

  const post = (message: Json, parts: readonly Uint8Array[] = []): void => {
    const text = encoder.encode(
      JSON.stringify({ ...message, parts: parts.map((part) => part.length) }),
    );
    const length = parts.reduce((sum, part) => sum + part.length, 4 + text.length);
    const bytes = new Uint8Array(length);
    new DataView(bytes.buffer).setUint32(0, text.length);
    bytes.set(text, 4);
    let at = 4 + text.length;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    port.post(bytes);
  };
  const read = (bytes: Uint8Array): { message: Json; parts: Uint8Array[] } => {
    const length = new DataView(bytes.buffer).getUint32(0);
    const message = JSON.parse(decoder.decode(bytes.subarray(4, 4 + length)));
    let at = 4 + length;
    const parts = message.parts.map((size: number) => bytes.slice(at, at += size));
    return { message, parts };
  };

  // Calls of the module into its context.

  const asked = new Map<
    number,
    { resolve(answer: { value: unknown; parts: Uint8Array[] }): void; reject(error: unknown): void }
  >();
  let lastAsk = 0;
  const refusal = (code: unknown, text: unknown): Error =>
    Object.assign(new Error(`${text}`), { code: `${code}` });
  const begin = (op: string, value: unknown, parts: readonly Uint8Array[]) => {
    const number = ++lastAsk;
    const answer = new Promise<{ value: unknown; parts: Uint8Array[] }>((resolve, reject) => {
      asked.set(number, { resolve, reject });
    });
    post({ kind: "ask", number, op, value }, parts);
    return { number, answer };
  };
  const ask = async (op: string, value: unknown = null, parts: readonly Uint8Array[] = []) =>
    await begin(op, value, parts).answer;
  const tell = (op: string, value: unknown) => post({ kind: "tell", op, value });

  const pool: { bytes: Uint8Array; at: number; isFilling: boolean } = {
    bytes: new Uint8Array(0),
    at: 0,
    isFilling: false,
  };
  const fillPool = () => {
    pool.isFilling = true;
    return ask("random", POOL_BYTES).then(({ parts }) => {
      pool.bytes = parts[0]!;
      pool.at = 0;
      pool.isFilling = false;
    });
  };
  const takeRandom = (length: number) => {
    if (length > pool.bytes.length - pool.at) {
      throw refusal("overloaded", "Random bytes come later");
    }
    const taken = pool.bytes.slice(pool.at, pool.at += length);
    if (pool.at > POOL_BYTES / 2 && !pool.isFilling) fillPool();
    return taken;
  };

  let lastMs = 0;
  const clock = {
    nowMs: () => Date.now(),
    monotonicMs: () => lastMs = Math.max(lastMs, Date.now()),
    setTimer: (delayMs: number, callback: () => void) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
  const peers = {
    list: async () => (await ask("peers.list")).value,
    get: async (peer: string) => (await ask("peers.get", peer)).value,
    find: async (word: string) => (await ask("peers.find", word)).value,
    meet: async (word: string) => (await ask("peers.meet", word)).value,
    standing: async (peer: string, permission: string) =>
      (await ask("peers.standing", { peer, permission })).value,
    lastId: async (peer: string) => (await ask("peers.lastId", peer)).value,
  };
  const storage = {
    tables: null,
    get: async (key: string) => (await ask("storage.get", key)).parts[0] ?? null,
    put: async (key: string, value: Uint8Array) =>
      void await ask("storage.batch", [{ key, keep: true }], [value]),
    delete: async (key: string) => void await ask("storage.batch", [{ key, keep: false }]),
    range: async (range: Json) => {
      const { value, parts } = await ask("storage.range", range);
      return (value as string[]).map((key, index) => ({ key, value: parts[index]! }));
    },
    batch: async (changes: { key: string; value: Uint8Array | null }[]) => {
      const kept = changes.flatMap(({ value }) => value === null ? [] : [value]);
      const named = changes.map(({ key, value }) => ({ key, keep: value !== null }));
      await ask("storage.batch", named, kept);
    },
    seal: async (rows: { aad: Uint8Array; content: Uint8Array }[]) => {
      const parts = rows.flatMap(({ aad, content }) => [aad, content]);
      return (await ask("storage.seal", null, parts)).parts;
    },
    open: async (rows: { aad: Uint8Array; sealed: Uint8Array }[]) => {
      const parts = rows.flatMap(({ aad, sealed }) => [aad, sealed]);
      const answer = await ask("storage.open", null, parts);
      let at = 0;
      return (answer.value as boolean[]).map((isOpen) => isOpen ? answer.parts[at++]! : null);
    },
  };
  const files = {
    read: async (name: string) => (await ask("files.read", name)).parts[0] ?? null,
    write: async (name: string, content: Uint8Array) =>
      void await ask("files.write", name, [content]),
    remove: async (name: string) => void await ask("files.remove", name),
    list: async () => (await ask("files.list")).value,
  };
  const send = ({ body, ...frame }: Json & { body?: Uint8Array }) => {
    const { number, answer } = begin("send", frame, body === undefined ? [] : [body]);
    let refused = false;
    const acknowledged = answer.then(({ value }) => {
      const end = value as { rttMs: number | null; refused: boolean };
      refused = end.refused;
      return end.rttMs;
    });
    return {
      acknowledged,
      get refused() {
        return refused;
      },
      cancel: () => tell("cancel", number),
    };
  };
  const makeCall = async ({ body, signal, ...call }: Json & {
    body?: Uint8Array;
    signal?: { aborted: boolean; addEventListener(name: string, listener: () => void): void };
  }) => {
    const { number, answer } = begin("ask", call, body === undefined ? [] : [body]);
    signal?.addEventListener("abort", () => tell("cancel", number));
    const { value, parts } = await answer;
    return { header: value, body: parts[0]! };
  };
  const fetch = async ({ body, ...request }: Json & { body?: Uint8Array }) => {
    const { value, parts } = await ask("fetch", request, body === undefined ? [] : [body]);
    return { ...value as Json, body: parts[0]! };
  };
  const folder = async (name: string) => {
    await ask("folder.open", name);
    return {
      list: async (path: string) => (await ask("folder.list", { name, path })).value,
      read: async (path: string) => (await ask("folder.read", { name, path })).parts[0] ?? null,
      write: async (path: string, content: Uint8Array) =>
        void await ask("folder.write", { name, path }, [content]),
    };
  };
  const auth = {
    require: async (peer: string, level: string, purpose: string) =>
      (await ask("auth.require", { peer, level, purpose })).value,
  };
  const contextOf = (start: Json) => ({
    own: start.own,
    options: start.options,
    peers,
    storage: { ...storage, restoredAtMs: start.restoredAtMs },
    files,
    clock,
    send,
    fetch,
    folder,
    ask: makeCall,
    auth,
    random: { bytes: takeRandom },
    log: {
      log: (level: string, event: string, fields = {}) => tell("log", { level, event, fields }),
    },
    metrics: { count: (name: string, by = 1) => tell("count", { name, by }) },
    events: {
      emit: (type: string, data: Json) => tell("emit", { type, data }),
      warn: (topic: string, text: string) => tell("warn", { topic, text }),
      settle: (topic: string) => tell("settle", topic),
    },
    binding: async (peer: string) => (await ask("binding", peer)).parts[0] ?? null,
  });

  // Calls of the host into the module.

  let module = {} as OpenRedModule;
  const routes: RouteHandler[] = [];
  const frames = new Map<string, { receive(frame: PeerFrame): Promise<boolean> }>();
  const calls = new Map<string, (call: PeerFrame) => Promise<Json>>();
  const methods = new Map<string, Json>();
  const middleware: ((call: MiddlewareCall) => unknown)[] = [];
  const aborts = new Map<number, Set<() => void>>();
  const signalFor = (number: number) => {
    const listeners = new Set<() => void>();
    aborts.set(number, listeners);
    const signal = {
      aborted: false,
      addEventListener: (name: string, listener: () => void) => {
        if (name === "abort") listeners.add(listener);
      },
      removeEventListener: (_: string, listener: () => void) => void listeners.delete(listener),
    };
    listeners.add(() => signal.aborted = true);
    return signal;
  };
  type Handle = (value: Json, parts: readonly Uint8Array[], number: number) => Promise<Answer>;
  const handlers: Record<string, Handle> = {
    async start(value) {
      await fillPool();
      await module.start?.(contextOf(value) as never);
      return {};
    },
    async stop() {
      await module.stop?.();
      return {};
    },
    async route({ index, ...request }, parts, number) {
      const signal = signalFor(number);
      const given = { ...request, body: parts[0]!, signal };
      const { body, json, ...answer } = await routes[index as number]!(given as never);
      if (json === undefined) return { value: answer, parts: body === undefined ? [] : [body] };
      return {
        value: { ...answer, type: "application/json" },
        parts: [encoder.encode(JSON.stringify(json))],
      };
    },
    async frame({ name, ...frame }, parts) {
      const handler = frames.get(name as string)!;
      return { value: await handler.receive({ ...frame, body: parts[0]! } as never) === true };
    },
    async call({ name, ...call }, parts) {
      const answer = await calls.get(name as string)!({ ...call, body: parts[0]! } as never);
      return {
        value: answer?.header ?? {},
        parts: answer?.body === undefined ? [] : [answer.body as Uint8Array],
      };
    },
    async permute({ name, inverse }, parts) {
      const method = methods.get(name as string) as unknown as Record<
        string,
        (...blocks: readonly Uint8Array[]) => Uint8Array
      >;
      return { parts: [await method[inverse === true ? "inverse" : "forward"]!(...parts)] };
    },
    async middleware({ index, call }) {
      await middleware[index as number]!(call as never);
      return {};
    },
    async sessionConfirmed({ peer }) {
      await module.sessionConfirmed?.(peer as never);
      return {};
    },
    async peerMoved({ peer, next }) {
      await module.peerMoved?.(peer as never, next as never);
      return {};
    },
    async peerForgotten({ peer }) {
      await module.peerForgotten?.(peer as never);
      return {};
    },
  };
  const handle = async (number: number, run: () => Promise<Answer>) => {
    try {
      const { value = null, parts = [] } = await run();
      post({ kind: "done", number, isOk: true, value }, parts);
    } catch (error) {
      const { code, message } = (typeof error === "object" && error !== null ? error : {}) as Json;
      const text = typeof message === "string" ? message : `${error}`;
      const isRefusal = typeof code === "string";
      post({
        kind: "done",
        number,
        isOk: false,
        code: isRefusal ? code : null,
        text: text.slice(0, 500),
      });
    } finally {
      aborts.delete(number);
    }
  };
  port.listen((bytes) => {
    const { message, parts } = read(bytes);
    const number = message.number as number;
    if (message.kind === "abort") {
      for (const listener of aborts.get(number) ?? []) listener();
    } else if (message.kind === "call") {
      void handle(
        number,
        () => handlers[message.op as string]!(message.value as Json, parts, number),
      );
    } else {
      const waiting = asked.get(number);
      asked.delete(number);
      if (message.isOk === true) waiting?.resolve({ value: message.value, parts });
      else waiting?.reject(refusal(message.code, message.text));
    }
  });

  return (exported) => {
    if (typeof exported !== "object" || exported === null) {
      throw new TypeError("The file has no default export that is a module");
    }
    module = exported as OpenRedModule;
    const patterns: Json[] = [];
    module.registerRoutes?.({
      route: (method, pattern, handler) => {
        patterns.push({ method, pattern });
        routes.push(handler);
      },
    });
    module.registerPeerHandlers?.({
      frame: (type, handler) => void frames.set(type, handler),
      call: (type, handler) => void calls.set(type, handler as never),
    });
    module.registerCryptoMethods?.({
      method: (name, permutation) => void methods.set(name, permutation as never),
    });
    module.registerMiddleware?.({ use: (one) => void middleware.push(one) });
    post({
      kind: "hello",
      manifest: module.manifest,
      routes: patterns,
      frames: [...frames.keys()],
      calls: [...calls.keys()],
      methods: [...methods.keys()],
      middleware: middleware.length,
    });
  };
}

/** The text that a module's thread runs. */
export const GUEST_TEXT = String(guest);
