import { assertEquals } from "@std/assert";
import { BUILT_IN_MODULES } from "../../modules/built_in.ts";
import { SCHEMA_VERSION } from "../../peer/store/migrations.ts";
import { DATA_FORMAT } from "../../ports/data_format.ts";
import { LoopbackNode } from "../world/loopback_node.ts";
import { fixtureNames, unpackFixture } from "./fixture.ts";

const COPY = "before-upgrade-node.db";

async function tableForms(): Promise<Record<string, number>> {
  const forms: Record<string, number> = { "node.db": SCHEMA_VERSION };
  for (const { name, tablesForm } of BUILT_IN_MODULES) {
    if (tablesForm !== undefined) forms[name] = await tablesForm();
  }
  return forms;
}

/** What of a data directory is looked at before and after. */
async function read(data: string, name: string): Promise<Uint8Array | null> {
  return await Deno.readFile(`${data}/${name}`).catch(() => null);
}

for (const name of fixtureNames("node-")) {
  Deno.test(`a node opens ${name}: its id, messages, names and audit log are there, after a copy`, async () => {
    await using node = new LoopbackNode();
    const { data } = node;
    const about = await unpackFixture(name, data);
    const [database, format] = [await read(data, "node.db"), await read(data, "format")];
    await node.start();
    assertEquals(node.id, about.id);
    const { messages } = await node.ask("GET", "/m/messaging/inbox?after=0&limit=10");
    const { petname, allowed } = await node.ask("POST", "/peers/show", { peer: about.peer });
    const [message, ...more] = messages;
    assertEquals([message.peer, message.text, more], [about.peer, about.text, []]);
    assertEquals([petname, allowed.includes("message")], [about.petname ?? null, true]);
    const report = await node.admin.verifyAudit();
    assertEquals([report.problem, report.unreadable, report.lines > 1], [null, 0, true]);
    await node.stop();
    if (format === null) assertEquals(await read(data, COPY), database);
    const noted = JSON.parse(Deno.readTextFileSync(`${data}/format`));
    assertEquals([noted.format, noted.tables], [DATA_FORMAT, await tableForms()]);
  });
}
