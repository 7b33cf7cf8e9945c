import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  decodeBase64Url,
  encodeBase64Url,
  encodeUtf8,
  type NodeId,
} from "../../../crypto/encoding.ts";
import { KeyChanges } from "../../../peer/admin/key_changes.ts";
import { RestorationDesk } from "../../../peer/admin/restoration_desk.ts";
import type { NextRun } from "../../../peer/config.ts";
import { finishRestoration } from "../../../peer/data/restoration.ts";
import { setPassphrase } from "../../../ports/node_secret.ts";
import { openFiles } from "../../../ports/system.ts";
import type { OpenedBackupView } from "../../../protocol/restoration_api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { backUpRunning, backUpStopped, PASSPHRASE, restore } from "../backup/backups.ts";
import { LifeNode } from "../data/life_world.ts";
import { CHEAP_COST } from "../../world/cores.ts";
import { FakeClock } from "../../world/fake_clock.ts";
import { isKilled, MortalProcess } from "../../world/mortal_process.ts";

const PIECE_BYTES = 200_000;

/** A node that is given backups, and notes whom it is to be opened anew for. */
class Host extends LifeNode {
  readonly reopened: NextRun[] = [];
  override ports = { reopen: (next: NextRun) => void this.reopened.push(next) };

  async post(path: string, body: unknown = {}): Promise<[number, Record<string, unknown>]> {
    const answer = await this.admin.request("POST", `/restoration${path}`, body);
    return [answer.status, await answer.json()];
  }

  seen = "nothing";

  /** Sends all of a file. @returns The first answer that is no 200, or the last one. */
  async upload(backup: Uint8Array): Promise<[number, Record<string, unknown>]> {
    let last = await this.post("", { bytes: backup.length });
    for (let at = 0; at < backup.length && last[0] === 200; at += PIECE_BYTES) {
      const data = encodeBase64Url(backup.subarray(at, at + PIECE_BYTES));
      last = await this.post("/piece", { at, data });
    }
    return last;
  }

  async look(passphrase = PASSPHRASE): Promise<[number, Record<string, unknown>]> {
    const answer = await this.post("/look", { passphrase: encoded(passphrase) });
    if (answer[0] === 200) this.seen = String(answer[1].seen);
    return answer;
  }

  make(
    passphrase: string | null = null,
    current: string | null = null,
  ): Promise<[number, Record<string, unknown>]> {
    const [keys, own] = [passphrase, current].map((one) => one === null ? null : encoded(one));
    return this.post("/make", { seen: this.seen, passphrase: keys, current: own });
  }

  /** What lies in the data directory besides the data. */
  get beside(): string[] {
    return [...Deno.readDirSync(this.data)].map(({ name }) => name)
      .filter((name) => /^\.?(incoming|restoration|replaced)/.test(name));
  }
}

function encoded(passphrase: string): string {
  return encodeBase64Url(encodeUtf8(passphrase));
}

/** A backup of a node that has an id, and perhaps a passphrase on its keys. */
async function backedUp(
  keysPassphrase: string | null = null,
): Promise<{ id: string; backup: Uint8Array<ArrayBuffer> }> {
  await using node = new LifeNode();
  await node.init();
  await node.start();
  const { id } = node;
  await node.stop();
  if (keysPassphrase !== null) {
    const passphrase = encodeUtf8(keysPassphrase);
    await node.onData((ports) => setPassphrase(ports, { passphrase, cost: CHEAP_COST }));
  }
  return { id, backup: await backUpStopped(node) };
}

Deno.test("a backup takes the place of a running node's data, which are kept aside", async () => {
  const { id, backup } = await backedUp();
  await using host = new Host();
  await host.start();
  const former = host.id;
  assertEquals((await host.upload(backup))[1], { at: backup.length, bytes: backup.length });
  const [status, seen] = await host.look();
  const { created_at, seen: _, ...others } = seen as unknown as OpenedBackupView;
  assert(status === 200 && created_at > 0);
  assertEquals(others, { node_id: id, is_own: false, contacts: 0, has_passphrase: false });
  assertEquals((await host.post("/piece", { at: 0, data: "AAAA" }))[0], 404, "the file was let go");
  const [made, { node_id, kept: prefix, link }] = await host.make();
  assertEquals([made, node_id], [200, id]);
  assertEquals(host.reopened, [{ passphrase: null, consoleLink: String(link) }]);
  assertEquals(decodeBase64Url(String(link))?.length, 32);
  assertEquals((await host.make())[0], 503, "once");
  assertEquals((await host.post(""))[0], 400);
  assertEquals((await host.post("", { bytes: 1_000 }))[0], 503, "nothing comes between");
  assertEquals(
    (await host.admin.request("POST", "/passphrase", { passphrase: null, current: null })).status,
    503,
  );
  await host.untilAudited("restoration_made");
  await host.stop();
  await host.start();
  assertEquals(host.id, id);
  assert((await host.audited()).includes("restored"));
  const kept = host.beside;
  assert(/^replaced-\d{8}T\d{6}Z\.$/.test(String(prefix)));
  assert(kept.length > 3 && kept.every((name) => name.startsWith(String(prefix))), `${kept}`);
  // Whoever gives the former files their names back has the former node.
  await host.stop();
  for (const { name } of [...Deno.readDirSync(host.data)]) {
    if (!name.startsWith("replaced-")) Deno.removeSync(`${host.data}/${name}`);
  }
  for (const name of kept) {
    Deno.renameSync(`${host.data}/${name}`, `${host.data}/${name.replace(/^replaced-\w+\./, "")}`);
  }
  await host.start();
  assertEquals(host.id, former);
});

Deno.test("the passphrase of the keys in a backup is asked for before anything is changed", async () => {
  const { id, backup } = await backedUp("several long words");
  await using host = new Host();
  await host.start();
  await host.upload(backup);
  assertEquals((await host.look())[1].has_passphrase, true);
  for (const wrong of [null, "several other words"]) {
    const [status, { code, detail, of }] = await host.make(wrong);
    assertEquals([status, code, of], [403, "forbidden", "passphrase"]);
    assertStringIncludes(String(detail), wrong === null ? "missing" : "wrong");
  }
  assertEquals(host.reopened, []);
  assertEquals((await host.make("several long words"))[1].node_id, id);
  const [{ passphrase }] = host.reopened as [NextRun];
  assertEquals(new TextDecoder().decode(passphrase!), "several long words");
  assertEquals(JSON.stringify(host.log.entries).includes("several"), false);
  await host.stop();
  await host.start({ passphrase: passphrase! });
  assertEquals(host.id, id);
});

Deno.test("a node whose keys have a passphrase gives them up to whoever knows it", async () => {
  const { id, backup } = await backedUp();
  await using host = new Host();
  await host.start();
  const own = "what opens these keys";
  await host.ask("POST", "/passphrase", { passphrase: encoded(own), current: null });
  await host.upload(backup);
  assertEquals((await host.look())[1].has_passphrase, false);
  for (const wrong of [null, "what opens no keys"]) {
    const [status, { code, detail, of }] = await host.make(null, wrong);
    assertEquals([status, code, of], [403, "forbidden", "current"]);
    assertStringIncludes(String(detail), wrong === null ? "missing" : "wrong");
  }
  assertEquals([host.reopened, host.beside.includes("restoration")], [[], false]);
  await host.untilAudited("restoration_made");
  assertEquals((await host.make(null, own))[1].node_id, id);
  assertEquals(host.reopened.map(({ passphrase }) => passphrase), [null]);
  assertEquals(JSON.stringify(host.log.entries).includes("opens"), false);
});

Deno.test("a backup of the node itself is one it goes back to", async () => {
  await using host = new Host();
  await host.init();
  await host.start();
  const { id } = host;
  await host.stop();
  const backup = await backUpStopped(host);
  await host.start();
  await host.upload(backup);
  assertEquals((await host.look())[1].is_own, true);
  assertEquals((await host.make())[0], 200);
  await host.stop();
  await host.start();
  assertEquals(host.id, id);
});

Deno.test("a wrong passphrase lets a backup stay for another try; a changed or cut one opens never", async () => {
  const { id, backup } = await backedUp();
  await using host = new Host();
  await host.start();
  await host.upload(backup);
  const [status, { code }] = await host.look("another passphrase");
  assertEquals([status, code], [403, "forbidden"]);
  assertEquals((await host.look())[1].node_id, id);
  for (const at of [9, 20, 40, 70_000, backup.length - 1]) {
    const changed = backup.slice();
    changed[at]! ^= 1;
    assertEquals([(await host.upload(changed))[0], (await host.look())[0]], [200, 403], `${at}`);
    assertEquals((await host.make())[0], 404, "what was looked at before is gone");
  }
  for (const length of [64, 70_000, backup.length - 1]) {
    await host.upload(backup.subarray(0, length));
    assertEquals((await host.look())[0], 403, `${length}`);
  }
  assertEquals(host.reopened, []);
});

Deno.test("a page puts no backup in place but the one that it showed", async () => {
  const [first, second] = [await backedUp(), await backedUp()];
  await using host = new Host();
  await host.start();
  await host.upload(first.backup);
  await host.look();
  const { seen } = host;
  await host.upload(second.backup);
  await host.look();
  const later = host.seen;
  host.seen = seen;
  assertEquals([(await host.make())[0], host.reopened.length], [404, 0]);
  host.seen = later;
  assertEquals((await host.make())[1].node_id, second.id);
});

Deno.test("the words of a backup open it in whatever form systems type them", async () => {
  const composed = "un \u00e9t\u00e9 \u{1F40E}";
  const decomposed = "un\u00a0e\u0301te\u0301 \u{1F40E}";
  await using host = new Host();
  await host.start();
  for (const [made, typed] of [[decomposed, composed], [composed, decomposed]] as const) {
    const backup = await backUpRunning(host, made);
    await host.upload(backup);
    assertEquals((await host.look(typed))[1].node_id, host.id, `made with ${made}`);
    await using other = new LifeNode();
    assertEquals(await restore(other, backup, { passphrase: composed }), host.id, "by a command");
  }
  await host.upload(await backUpRunning(host));
  for (const passphrase of ["seven b", "two\nlines of it", "nothing\u200b seen"]) {
    const body = { passphrase: encoded(passphrase) };
    assertEquals((await host.admin.request("POST", "/backup", body)).status, 400, passphrase);
  }
  assertEquals((await host.look("two\nlines of it"))[0], 403);
  assertEquals((await host.look())[0], 200, "the file stays for another try");
});

Deno.test("pieces come in their order and no others, and what is no backup is refused by its first one", async () => {
  const { backup } = await backedUp();
  await using host = new Host();
  await host.start();
  const piece = (at: number, data: Uint8Array) =>
    host.post("/piece", { at, data: encodeBase64Url(data) });
  assertEquals((await piece(0, backup.subarray(0, 10)))[0], 404);
  await host.post("", { bytes: backup.length });
  assertEquals((await host.look())[0], 404, "not there in full");
  assertEquals((await piece(0, encodeUtf8("PK, and no backup")))[1].code, "unsupported");
  assertEquals((await piece(0, backup.subarray(0, 10)))[0], 404);
  await host.post("", { bytes: backup.length });
  await piece(0, backup.subarray(0, 100));
  for (
    const [at, data] of [
      [0, backup.subarray(0, 100)],
      [50, backup.subarray(50, 100)],
      [200, backup.subarray(200, 300)],
      [100, new Uint8Array()],
    ] as const
  ) {
    const [status, body] = await piece(at, data);
    assertEquals([status, body.code, body.at], [400, "bad_request", 100]);
  }
  await host.post("", { bytes: 120 });
  await piece(0, backup.subarray(0, 100));
  assertEquals((await piece(100, backup.subarray(100, 121)))[0], 400, "more than was said");
  for (const bytes of [0, 63, -1, 1.5, 2 ** 45]) {
    assertEquals((await host.post("", { bytes }))[0], 400, `${bytes}`);
  }
});

Deno.test("what nobody goes on with, or was cancelled, leaves nothing", async () => {
  const { backup } = await backedUp();
  await using host = new Host();
  await host.start();
  await host.upload(backup);
  assert(host.beside.length > 0);
  assertEquals((await host.post("/cancel"))[0], 200);
  assertEquals(host.beside, []);
  await host.upload(backup);
  await host.look();
  assert(host.beside.includes("incoming-node.db"));
  await host.stop();
  await host.start();
  assertEquals([host.beside, (await host.make())[0]], [[], 404]);
});

Deno.test("a full disk leaves the running node as it is", async () => {
  const { backup } = await backedUp();
  await using host = new Host();
  let isFull = false;
  const files = openFiles(host.data);
  const refuseWhen = (name: string) => {
    if (isFull && /^(incoming-|restoration$)/.test(name)) {
      throw new Error("No space left on device");
    }
  };
  host.ports = {
    ...host.ports,
    files: new Proxy(files, {
      get: (target, key) => {
        const member = Reflect.get(target, key, target);
        if (typeof member !== "function") return member;
        if (key !== "write" && key !== "append") return member.bind(target);
        // deno-lint-ignore require-await
        return async (name: string, content: Uint8Array) => {
          refuseWhen(name);
          return member.call(target, name, content);
        };
      },
    }),
  } as typeof host.ports;
  await host.start();
  isFull = true;
  const [status, { code, detail }] = await host.upload(backup);
  assertEquals([status, code], [503, "overloaded"]);
  assertStringIncludes(String(detail), "the disk is full");
  isFull = false;
  await host.upload(backup);
  isFull = true;
  assertEquals((await host.look())[1].code, "overloaded");
  assertEquals([host.beside, host.reopened], [[], []]);
  isFull = false;
  await host.upload(backup);
  assertEquals((await host.look())[0], 200);
  isFull = true;
  assertEquals((await host.make())[1].code, "overloaded");
  assertEquals([host.beside.includes("restoration"), host.reopened], [false, []]);
  isFull = false;
  assertEquals((await host.make())[0], 200, "what was looked at still waits");
});

Deno.test("a backup that nobody goes on with for half an hour is let go", async () => {
  const { backup } = await backedUp();
  await using host = new Host();
  const clock = new FakeClock(0);
  await host.onData(async (ports) => {
    const desk = new RestorationDesk({
      ...ports,
      clock,
      events: { audit: () => Promise.resolve() },
      own: { id: "nobody" as NodeId },
      keyChanges: new KeyChanges(),
      reopen: () => {},
    });
    clock.advance(60 * 60_000);
    await desk.begin(backup.length);
    await desk.take({ at: 0, data: backup });
    clock.advance(30 * 60_000 - 1);
    await desk.forgetIdle();
    assert(host.beside.length > 0);
    clock.advance(1);
    await desk.forgetIdle();
    assertEquals(host.beside, []);
    await assertRejects(() => desk.look(encodeUtf8(PASSPHRASE)), OpenRedError);
  });
});

Deno.test("a backup that would take gigabytes to open is refused by its first bytes", async () => {
  const { backup } = await backedUp();
  await using host = new Host();
  await host.start();
  for (const [at, value] of [[8, 2 ** 18 + 1], [8, 2 ** 32 - 1], [12, 17]] as const) {
    const dear = backup.slice();
    new DataView(dear.buffer).setUint32(at, value);
    assertEquals((await host.upload(dear))[1].code, "unsupported", `${value}`);
    assertEquals([host.beside, (await host.look())[0]], [[], 404]);
    const error = await assertRejects(() => restore(host, dear), OpenRedError);
    assertEquals(error.code, "unsupported");
  }
});

Deno.test("steps that are asked for at once do not meet", async () => {
  const { id, backup } = await backedUp();
  await using host = new Host();
  await host.start();
  await host.upload(backup);
  const looks = await Promise.all([host.look(), host.look(), host.post("/cancel")]);
  assertEquals(looks.map(([status]) => status), [200, 503, 503]);
  const made = await Promise.all([host.make(), host.make()]);
  assertEquals(made.map(([status]) => status), [200, 503]);
  await host.stop();
  await host.start();
  assertEquals(host.id, id);
});

Deno.test("a start that is killed while it puts a backup in place is followed by one that ends it", async () => {
  const { id, backup } = await backedUp();
  await using host = new Host();
  await host.start();
  await host.upload(backup);
  await host.look();
  await host.make();
  await host.stop();
  const placed = new Set<string>();
  for (const how of ["before", "within", "after"] as const) {
    for (let change = 1, wasKilled = true; wasKilled; change++) {
      await using killed = new LifeNode(host.copyData());
      const process = new MortalProcess(change, how);
      wasKilled = await finishRestoration(process.on(killed.data).files)
        .then(() => false, (error) => isKilled(error) || Promise.reject(error));
      const isWhole = !wasKilled;
      await killed.start();
      assertEquals(killed.id, id);
      const kept = [...Deno.readDirSync(killed.data)].map(({ name }) => name)
        .filter((name) => name.startsWith("replaced-")).map((name) => name.slice(26));
      placed.add(kept.sort().join(" "));
      if (isWhole) assert(change > 10);
    }
  }
  assertEquals(placed.size, 1, "whatever was there is kept, once");
});
