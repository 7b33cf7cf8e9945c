import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { SESSION_HEADER } from "../../protocol/sign_in_api.ts";
import { checkConsolePolicy } from "../world/console_policy.ts";
import { until } from "../world/until.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function command(args: readonly string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "-A", `${ROOT}node.ts`, ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function run(...args: string[]) {
  const { code, stdout, stderr } = await command(args).output();
  return { code, out: decode(stdout).trim(), err: decode(stderr).trim() };
}

/** A node that runs, with what it logs. */
class Node implements AsyncDisposable {
  readonly data: string;
  readonly #child: Deno.ChildProcess;
  readonly #reads: Promise<void>[];
  out = "";
  err = "";
  #isEnded = false;

  constructor(data: string, port: string) {
    this.data = data;
    const words = ["run", "--listen", "127.0.0.1:0", "--json", "--data", data];
    this.#child = command([...words, "--console-listen", port]);
    const read = async (from: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      for await (const part of from) take(decode(part));
    };
    this.#reads = [
      read(this.#child.stdout, (text) => void (this.out += text)),
      read(this.#child.stderr, (text) => void (this.err += text)),
    ];
  }

  ready(): Promise<void> {
    return until(() => this.out.includes("\n"), "the node is ready");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    this.#isEnded = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isEnded) this.#child.kill("SIGTERM");
    await this.#child.status;
    await Promise.all(this.#reads);
  }
}

/** What a browser sends besides. */
function headersAt(origin: string): Record<string, string> {
  return { origin, "sec-fetch-site": "same-origin", "content-type": "application/json" };
}

interface Shown {
  readonly node_id: string;
  readonly words: readonly string[];
  readonly asked: readonly number[];
  readonly link: string;
}

function askedOf({ words, asked }: Shown): string[] {
  return asked.map((place) => words[place - 1]!);
}

function payloadOf(jws: string): string {
  return decode(decodeBase64Url(jws.split(".")[1]!)!);
}

/** Has another identity follow in the process that runs, for the same browser at the same address. */
async function checkSuccession(origin: string, headers: Record<string, string>): Promise<string> {
  const send = (path: string, body?: unknown) =>
    fetch(`${origin}/admin/v1${path}`, {
      headers,
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
  const post = async (path: string, body: unknown): Promise<Shown> => {
    const answer = await send(path, body);
    assertEquals(answer.status, 200, path);
    return await answer.json();
  };
  const first = await post("/recovery-phrase", {});
  await post("/recovery-phrase/keep", { words: askedOf(first) });
  await post("/settings", { name: "alias", value: "anna" });
  const phrase = first.words.join(" ");
  const second = await post("/succession", { phrase });
  const given = { phrase, words: askedOf(second), passphrase: null };
  const { link, ...made } = await post("/succession/make", given);
  assertEquals(made.node_id, second.node_id);
  let next: Record<string, string> | null = null;
  await until(async () => (next = await signIn(origin, link)) !== null, "the link opens it anew");
  const own = await (await fetch(`${origin}/admin/v1/id`, { headers: next! })).json();
  assertEquals(own.node_id, second.node_id);
  assertStringIncludes(payloadOf(own.record), '"alias":"anna"');
  assertEquals(await signIn(origin, link), null, "once");
  return second.node_id;
}

/** Opens the console by the secret of a link. @returns What the browser sends from then on. */
async function signIn(origin: string, secret: string): Promise<Record<string, string> | null> {
  const answer = await fetch(`${origin}/auth/v1/link`, {
    method: "POST",
    headers: headersAt(origin),
    body: JSON.stringify({ secret }),
  });
  const { session } = await answer.json();
  if (!answer.ok) return null;
  const cookie = answer.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
  return { ...headersAt(origin), cookie, [SESSION_HEADER]: session };
}

Deno.test("The console is on one port of both loopback addresses, and the link opens it, for one identity and the next", async () => {
  using folder = makeTemporaryDirectory();
  await using node = new Node(`${folder.path}/a`, "127.0.0.1:0");
  await node.ready();
  const { url } = JSON.parse((await run("open", "--json", "--data", node.data)).out);
  const { origin, hash, port } = new URL(url);
  assertEquals(node.out.includes(hash) || node.err.includes(hash), false);
  const held = await signIn(origin, hash.slice("#link=".length));
  assert(held !== null);
  for (const host of ["127.0.0.1", "[::1]"]) {
    const page = await fetch(`http://${host}:${port}/console/`, { redirect: "manual" });
    assertEquals([page.status, page.headers.get("location")], [302, `${origin}/console/`]);
    await page.body?.cancel();
  }
  for (const path of ["/", "/console/", "/console/page.js", "/auth/v1/session", "/nothing"]) {
    const seen = await fetch(origin + path, { redirect: "manual" });
    await seen.body?.cancel();
    checkConsolePolicy(seen.headers, path.startsWith("/console/") ? origin : null, path);
  }
  const id = await (await fetch(`${origin}/admin/v1/id`, { headers: held })).json();
  assertStringIncludes(node.out, id.node_id);
  const next = await checkSuccession(origin, held);
  await until(() => node.out.includes(`"id":"${next}"`), "the node says who it is now");

  await using second = new Node(`${folder.path}/b`, `127.0.0.1:${port}`);
  await second.ready();
  await until(() => second.err.includes("another program uses it"), "the second node says why");
  const refused = await run("open", "--data", second.data);
  assertEquals(refused.code, 3);
  assertStringIncludes(refused.err, "The console does not start");
  assertEquals((await run("status", "--data", second.data)).code, 0);
});

Deno.test("A port that somebody has on the other loopback address is no port for the console", async () => {
  using folder = makeTemporaryDirectory();
  using other = Deno.listen({ hostname: "::1", port: 0 });
  await using node = new Node(`${folder.path}/a`, `127.0.0.1:${other.addr.port}`);
  await node.ready();
  await until(() => node.err.includes("another program uses it"), "the node says why");
  const { port } = other.addr;
  const held = Deno.listen({ hostname: "127.0.0.1", port });
  held.close();
});

Deno.test("open leaves a file of mode 0600 for the browser, and prints no secret", async () => {
  using folder = makeTemporaryDirectory();
  await using node = new Node(`${folder.path}/a`, "127.0.0.1:0");
  await node.ready();
  // Nothing on this machine shows a page to a program without a screen.
  const opening = command(["open", "--data", node.data], { BROWSER: "/bin/true", DISPLAY: "" });
  const page = `${Deno.realPathSync(node.data)}/console-open.html`;
  await until(() => Deno.stat(page).then(({ size }) => size > 0, () => false), "there is a page");
  assertEquals(Deno.statSync(page).mode! & 0o777, 0o600);
  const [, url = ""] = /url=(http:[^"]+)/.exec(Deno.readTextFileSync(page)) ?? [];
  const { origin, hash } = new URL(url);
  const secret = hash.slice("#link=".length);
  const answer = await fetch(`${origin}/auth/v1/link`, {
    method: "POST",
    headers: headersAt(origin),
    body: JSON.stringify({ secret }),
  });
  await answer.body?.cancel();
  assertEquals(answer.status, 200);
  const { code, stdout, stderr } = await opening.output();
  assertEquals(code, 0, decode(stderr));
  assertEquals(decode(stdout).includes(secret), false);
  assert(![...Deno.readDirSync(node.data)].some(({ name }) => name.startsWith("console")));
});

const PIECE_BYTES = 200_000;
const PASSPHRASE = "a passphrase for backups";

/** Brings a backup to a node and looks at it, as its page does. @returns What is in it. */
async function bringBackup(
  origin: string,
  { headers, backup }: { headers: Record<string, string>; backup: Uint8Array },
): Promise<{ node_id: string; seen: string }> {
  const post = async (path: string, body: unknown) => {
    const url = `${origin}/admin/v1/restoration${path}`;
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    assertEquals(answer.status, 200, path);
    return await answer.json();
  };
  await post("", { bytes: backup.length });
  for (let at = 0; at < backup.length; at += PIECE_BYTES) {
    const data = encodeBase64Url(backup.subarray(at, at + PIECE_BYTES));
    await post("/piece", { at, data });
  }
  return await post("/look", { passphrase: encodeBase64Url(encodeUtf8(PASSPHRASE)) });
}

/** A signed-in browser at a node. */
async function openConsole(
  node: Node,
): Promise<{ origin: string; headers: Record<string, string> }> {
  const { url } = JSON.parse((await run("open", "--json", "--data", node.data)).out);
  const { origin, hash } = new URL(url);
  const headers = await signIn(origin, hash.slice("#link=".length));
  assert(headers !== null);
  return { origin, headers };
}

Deno.test("A restored backup goes on in the process that runs; one that is killed then, at its next start", async () => {
  using folder = makeTemporaryDirectory();
  const file = `${folder.path}/a.backup`;
  const passphraseFile = `${folder.path}/passphrase`;
  Deno.writeTextFileSync(passphraseFile, PASSPHRASE);
  let id: string;
  {
    await using former = new Node(`${folder.path}/a`, "127.0.0.1:0");
    await former.ready();
    id = JSON.parse((await run("id", "--json", "--data", former.data)).out).node_id;
    const args = ["--passphrase-file", passphraseFile, "--data", former.data];
    const made = await run("backup", file, ...args);
    assertEquals(made.code, 0, made.err);
  }
  const backup = Deno.readFileSync(file);
  const make = (origin: string, headers: Record<string, string>, seen: string) =>
    fetch(`${origin}/admin/v1/restoration/make`, {
      method: "POST",
      headers,
      body: JSON.stringify({ seen, passphrase: null, current: null }),
    });
  {
    await using node = new Node(`${folder.path}/b`, "127.0.0.1:0");
    await node.ready();
    const { origin, headers } = await openConsole(node);
    const { node_id, seen } = await bringBackup(origin, { headers, backup });
    assertEquals(node_id, id);
    const { link } = await (await make(origin, headers, seen)).json();
    await until(async () => await signIn(origin, link) !== null, "the link opens it anew");
    await until(() => node.out.includes(`"id":"${id}"`), "the node says who it is now");
  }
  const beside = () =>
    [...Deno.readDirSync(`${folder.path}/c`)].map(({ name }) => name)
      .filter((name) => /^\.?(incoming|replaced|restor)/.test(name));
  {
    await using node = new Node(`${folder.path}/c`, "127.0.0.1:0");
    await node.ready();
    const { origin, headers } = await openConsole(node);
    await bringBackup(origin, { headers, backup });
    await node.kill();
    assert(beside().length > 0);
  }
  {
    await using node = new Node(`${folder.path}/c`, "127.0.0.1:0");
    await node.ready();
    assertEquals([node.out.includes(id), beside()], [false, []], "killed before: who it was");
    const { origin, headers } = await openConsole(node);
    const { seen } = await bringBackup(origin, { headers, backup });
    const answer = await make(origin, headers, seen);
    await answer.body?.cancel();
    await node.kill();
  }
  await using again = new Node(`${folder.path}/c`, "127.0.0.1:0");
  await again.ready();
  assertStringIncludes(again.out, `"id":"${id}"`);
});
