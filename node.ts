/**
 * Composition root of a node and its commands. Becomes the binary `openred-node`.
 *
 * @module
 */
import { failure } from "./cli/command_error.ts";
import { runCommandLine } from "./cli/commands.ts";
import type { ListenAddress } from "./cli/option_values.ts";
import type { RunNode } from "./cli/run.ts";
import type { RunOptions } from "./cli/run_options.ts";
import { WorkerCryptoCore } from "./crypto/client.ts";
import { encodeBase64Url, encodeUtf8 } from "./crypto/encoding.ts";
import type { RotationPolicy } from "./crypto/interface.ts";
import project from "./deno.json" with { type: "json" };
import { type NodeConfig } from "./peer/config.ts";
import { createNode, type Node } from "./peer/node.ts";
import {
  createLog,
  createOpenDatabase,
  lockDirectory,
  openFiles,
  systemChannelUpgrader,
  systemClock,
  systemHttpClient,
  systemRandom,
  systemResolver,
} from "./ports/system.ts";
import type { Log } from "./ports/ports.ts";
import { sendLoopback } from "./ports/system_loopback.ts";
import { createTerminalStream, readStandardInput, stopOnSignals } from "./ports/system_terminal.ts";
import { ADMIN_FILE } from "./protocol/admin_api.ts";
import { OpenRedError } from "./protocol/errors.ts";
import { problemResponse } from "./protocol/http.ts";

const STOP_TIMEOUT_MS = 5_000;
const RETRY_WHILE_STARTING_MS = 1_000;
const MAX_SEED_BYTES = 4_096;

type Answer = (request: Request, address: string) => Promise<Response>;

/** A listening server whose answers can be put in place later. */
interface Server extends AsyncDisposable {
  readonly origin: string;
  answerWith(answer: Answer): void;
}

function notReady(): Promise<Response> {
  const retryAfterMs = RETRY_WHILE_STARTING_MS;
  return Promise.resolve(
    problemResponse(new OpenRedError("overloaded", "The node is starting", { retryAfterMs })),
  );
}

function listen(address: ListenAddress, flag: string): Server {
  let answer: Answer = notReady;
  const stop = new AbortController();
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      ...address,
      signal: stop.signal,
      onListen: () => {},
      onError: () => problemResponse(new OpenRedError("internal", "The node failed")),
    }, (request, info) => answer(request, info.remoteAddr.hostname));
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse ? "another program uses it" : "not possible";
    throw failure(`${flag} ${address.hostname}:${address.port}: ${why}`, { cause });
  }
  const host = address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname;
  return {
    origin: `http://${host}:${server.addr.port}`,
    answerWith: (next) => void (answer = next),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

async function readSecretFile(path: string, flag: string): Promise<Uint8Array> {
  const content = await Deno.readFile(path).catch((cause) => {
    throw failure(`${flag}: cannot read this file`, { cause });
  });
  if (content.length === 0 || content.length > MAX_SEED_BYTES) {
    throw failure(`${flag}: expected a file of 1 to ${MAX_SEED_BYTES} bytes`);
  }
  return content;
}

async function rotationOf(options: RunOptions): Promise<RotationPolicy> {
  if (options.rotation !== "seeded") return { kind: options.rotation };
  const seed = await readSecretFile(options.networkSeedFile ?? "", "--network-seed-file");
  return { kind: "seeded", seed };
}

async function configOf(
  options: RunOptions,
  settings: { readonly apiUrl: string; readonly adminToken: string },
): Promise<NodeConfig> {
  return {
    ...settings,
    version: project.version,
    directories: options.directories,
    ...(options.alias === null ? {} : { alias: options.alias }),
    unlisted: options.unlisted,
    pq: options.pq,
    rotation: await rotationOf(options),
    allowPrivate: options.allowPrivate,
    services: ["messaging"],
    sessionLifeMs: options.sessionLifeS * 1000,
    maxConnections: options.maxConnections,
    idleConnectionMs: options.idleConnectionS * 1000,
    handshakesPerMinute: options.handshakesPerMinute,
  };
}

function lockData(data: string): Disposable {
  try {
    const lock = lockDirectory(data);
    return { [Symbol.dispose]: () => lock.release() };
  } catch (cause) {
    throw failure(`--data: ${cause instanceof Error ? cause.message : "cannot be used"}`, {
      cause,
    });
  }
}

/** A failure that nobody waited for is logged; the node goes on. */
function logUnhandled(log: Log): void {
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    const cause = event.reason instanceof Error ? event.reason.message : String(event.reason);
    log.log("error", "unhandled_rejection", { cause });
  });
}

async function composeNode(
  options: RunOptions,
  settings: { readonly crypto: WorkerCryptoCore; readonly config: NodeConfig },
): Promise<Node> {
  const format = options.json ? "json" : "text";
  const log = createLog({ clock: systemClock, level: options.logLevel, format });
  logUnhandled(log);
  return await createNode({
    clock: systemClock,
    random: systemRandom,
    http: systemHttpClient,
    resolver: systemResolver,
    crypto: settings.crypto,
    files: openFiles(options.data),
    openDatabase: createOpenDatabase(options.data),
    upgrader: systemChannelUpgrader,
    log,
  }, settings.config);
}

async function stopInTime(node: Node): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const cancel = systemClock.setTimer(STOP_TIMEOUT_MS, resolve);
  await Promise.race([node.stop(), late]);
  cancel();
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

/** Runs a node until `signal` fires, then stops it in order. */
const runNode: RunNode = async (options, { out, signal }) => {
  using _lock = lockData(options.data);
  const files = openFiles(options.data);
  await using peers = listen(options.listen, "--listen");
  await using admin = listen(options.adminListen, "--admin-listen");
  const crypto = await WorkerCryptoCore.start();
  try {
    const adminToken = encodeBase64Url(systemRandom.bytes(32));
    const apiUrl = options.apiUrl ?? peers.origin;
    const config = await configOf(options, { apiUrl, adminToken });
    const node = await composeNode(options, { crypto, config });
    peers.answerWith((request, address) => node.handle(request, { address }));
    admin.answerWith((request) => node.handleAdmin(request));
    try {
      await node.start();
      const adminFile = { url: admin.origin, token: adminToken, pid: Deno.pid };
      await files.write(ADMIN_FILE, encodeUtf8(JSON.stringify(adminFile)));
      if (options.json) {
        await out.raw(`ready ${JSON.stringify({ url: apiUrl, id: node.id })}\n`);
      } else {
        await out.pairs([
          ["Node", { text: node.id, style: "bold" }],
          ["URL", apiUrl],
          ["Data", options.data],
          ["Stop", "Ctrl-C"],
        ]);
      }
      await untilAborted(signal);
    } finally {
      await files.remove(ADMIN_FILE);
      await stopInTime(node);
    }
  } finally {
    await crypto.stop();
  }
};

async function readAdminFile(data: string): Promise<Uint8Array | null> {
  try {
    return await Deno.readFile(`${data}/${ADMIN_FILE}`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return null;
    throw failure("--data: cannot read admin.json there; it belongs to whoever runs the node", {
      cause,
    });
  }
}

async function main(): Promise<number> {
  const stop = new AbortController();
  stopOnSignals(stop);
  return await runCommandLine({
    env: (name) => Deno.env.get(name),
    out: createTerminalStream(Deno.stdout, () => stop.abort()),
    err: createTerminalStream(Deno.stderr, () => stop.abort()),
    clock: systemClock,
    signal: stop.signal,
    send: sendLoopback,
    readInput: (maxBytes) => readStandardInput(maxBytes, stop.signal),
    readAdminFile,
    runNode,
  }, { args: Deno.args, version: project.version });
}

if (import.meta.main) Deno.exit(await main());
