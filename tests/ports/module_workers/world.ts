/**
 * Modules in real threads, for the tests of this folder.
 *
 * @module
 */
import { createModuleWorkers } from "../../../ports/system_module_workers.ts";
import type { ModuleEnd, ModuleLimits, ModuleWorker } from "../../../ports/module_workers.ts";

/** Hands the module what only the house's own code has elsewhere. */
export const OPEN_GUEST = "(port) => { globalThis.port = port; return () => {}; }";

/** Short enough for a test, long enough for a busy machine. */
export const QUICK: Partial<ModuleLimits> = { turnMs: 1_500, heartbeatMs: 100 };

export interface StartedModule {
  readonly worker: ModuleWorker;
  readonly messages: string[];
  /** The next message, as text. */
  next(): Promise<string>;
}

/** Starts one module. */
export function startModule(
  code: string,
  options: {
    readonly limits?: Partial<ModuleLimits>;
    readonly heapMiB?: number;
    readonly guest?: string;
    /** What this thread does with each message. @returns Whether nobody asked for it. */
    readonly take?: () => boolean;
  } = {},
): StartedModule {
  const messages: string[] = [];
  let read = 0;
  const waiting: ((text: string) => void)[] = [];
  const worker = createModuleWorkers({ ...QUICK, ...options.limits }).start({
    name: "tried.js",
    code,
    guest: options.guest ?? OPEN_GUEST,
    heapMiB: options.heapMiB ?? 64,
    onMessage(bytes) {
      messages.push(new TextDecoder().decode(bytes));
      while (read < messages.length && waiting.length > 0) waiting.shift()!(messages[read++]!);
      return options.take?.() ?? true;
    },
  });
  const next = () => {
    if (read < messages.length) return Promise.resolve(messages[read++]!);
    return new Promise<string>((resolve) => waiting.push(resolve));
  };
  return { worker, messages, next };
}

/** How a module ends that is left to itself. */
export function endOf(
  code: string,
  options?: Parameters<typeof startModule>[1],
): Promise<ModuleEnd> {
  return startModule(code, options).worker.ended;
}

/** The outcome of each attempt, made from inside one module: what it gave, or what it threw. */
export async function tryInside(
  attempts: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const tried = Object.entries(attempts).map(([name, code]) =>
    `await attempt(${JSON.stringify(name)}, async () => { ${code} });`
  );
  const { worker, next } = startModule(`
    const outcomes = {};
    async function attempt(name, work) {
      try {
        outcomes[name] = "gave " + String(await work());
      } catch (error) {
        outcomes[name] = "threw " + error;
      }
    }
    ${tried.join("\n")}
    port.post(new TextEncoder().encode(JSON.stringify(outcomes)));
  `);
  const text = await Promise.race([
    next(),
    worker.ended.then(({ why, detail }) => Promise.reject(new Error(`${why}: ${detail}`))),
  ]);
  await worker.terminate();
  return JSON.parse(text);
}
