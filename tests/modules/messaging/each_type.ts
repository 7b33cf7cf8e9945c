/**
 * A frame of each type of messaging, as one person writes it to another.
 *
 * @module
 */
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { MESSAGING_MANIFEST } from "../../../modules/messaging/manifest.ts";
import type { TestFrame } from "../../world/hosted_modules.ts";
import {
  forgeMembership,
  forgeMessage,
  forgeStatement,
  hashOf,
  IAT,
  RUN,
} from "./groups/forging.ts";
import type { Person } from "./groups/group_world.ts";

/** All that come as frames; `edit` is a text with another meaning. */
export const FRAME_TYPES: readonly string[] = [
  ...MESSAGING_MANIFEST.frames.filter((frame) => !("answers" in frame)).map(({ type }) => type),
  "edit",
];
/** What somebody may send about whom nobody has decided. */
export const FOR_STRANGERS: readonly string[] = ["text", "group_statement"];
/** What is said once, and acknowledged by nobody. */
export const ONCE: readonly string[] = ["typing", "group_typing"];

export interface Saying {
  readonly from: Person;
  readonly to: Person;
  /** Where both are, if `from` is in any. */
  readonly group: string;
  /** The number of what is said, of texts both direct and to the group. */
  readonly n: number;
}

export async function frameOf(type: string, saying: Saying): Promise<TestFrame> {
  const { header = {}, body } = await contentOf(type, saying);
  const frame = {
    type: `messaging.${type === "edit" ? "text" : type}`,
    header,
    ...(body === undefined ? {} : { body: encodeUtf8(body) }),
  };
  return ONCE.includes(type) ? frame : { ...frame, id: `${type}-${saying.n}` };
}

interface Content {
  readonly header?: Record<string, unknown>;
  readonly body?: string;
}

async function contentOf(type: string, saying: Saying): Promise<Content> {
  const { from, group, n } = saying;
  const numbered = { run: RUN, n };
  const upto = { run: RUN, n: 1 };
  switch (type) {
    case "text":
      return { header: numbered, body: "hi" };
    case "edit":
      return { header: { ...numbered, edits: upto }, body: "hello" };
    case "react":
      return { header: { ...numbered, to: { ...upto, mine: true } }, body: "👍" };
    case "remove":
      return { header: { ...numbered, removes: upto } };
    case "read":
      return { header: { upto } };
    case "group_statement":
      return await statementOf(saying);
    case "group_member":
      return {
        header: { group },
        body: await forgeMembership(from, group, { iat: IAT + n }),
      };
    case "group_message": {
      const { message, salt } = await forgeMessage(from, group, {
        n,
        ...(n === 1 ? {} : { prev: group }),
        text: "hi",
      });
      return { header: { group, message, salt }, body: "hi" };
    }
    case "group_summary":
      return { header: { group }, body: JSON.stringify({ heads: [{ n: 0, hash: group }] }) };
    case "group_vector":
      return { header: { group }, body: JSON.stringify({ runs: [] }) };
    case "group_read":
      return { header: { group, upto } };
    case "group_typing":
      return { header: { group } };
    default:
      return {};
  }
}

/** The first one of another group, which is an invitation. */
async function statementOf({ from, to, n }: Saying): Promise<Content> {
  const body = await forgeStatement(from, {
    n: 0,
    nonce: `${n}`.padEnd(22, "A"),
    name: "another",
    add: [{ id: from.id }, { id: to.id }],
  });
  return { header: { group: await hashOf(from, body) }, body };
}

/** How many rows each table of messaging has at somebody's node. */
export function rowsAt({ messaging }: Person): Readonly<Record<string, number>> {
  const { database } = messaging.world.parts;
  const tables = database.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'messaging_%' ORDER BY name",
  ).all();
  return Object.fromEntries(tables.map(({ name }) => {
    const { count } = database.prepare(`SELECT COUNT(*) AS count FROM ${name}`).get()!;
    return [String(name), Number(count)];
  }));
}
