const ROOT = new URL("../../", import.meta.url);

function commandOf(args: readonly string[], env: Record<string, string>): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: ["run", "-A", "--no-prompt", "central.ts", ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs `central.ts` to its end. */
export async function runCentral(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await commandOf(args, env).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** A running `central.ts`. */
export interface CentralProcess {
  readonly url: string;
  readonly id: string;
  /** Where it tells metrics, if it was to. */
  readonly metrics_url?: string;
  /** Sends a signal and waits for the end. */
  end(signal: Deno.Signal): Promise<{ code: number; err: string }>;
}

async function readUntil(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string[]> {
  let text = "";
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`central.ts ended without ${pattern}: ${text}`);
    text += decoder.decode(value, { stream: true });
    const match = pattern.exec(text);
    if (match === null) continue;
    reader.releaseLock();
    return match;
  }
}

/** Starts `central.ts` on a data directory and a port of the system's choice. */
export async function startCentral(
  data: string,
  options: {
    command?: "run" | "relay";
    args?: readonly string[];
    env?: Record<string, string>;
  } = {},
): Promise<CentralProcess> {
  const { command = "run", args = [], env = {} } = options;
  const all = [command, "--listen", "127.0.0.1:0", "--data", data, "--json", ...args];
  const child = commandOf(all, env).spawn();
  const [, ready] = await readUntil(child.stdout, /^ready (.*)\n/m);
  return {
    ...JSON.parse(ready!),
    async end(signal) {
      child.kill(signal);
      const [{ code }, err] = await Promise.all([
        child.status,
        new Response(child.stderr).text(),
        child.stdout.cancel(),
      ]);
      return { code, err };
    },
  };
}
