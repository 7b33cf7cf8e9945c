/**
 * What no node does by itself: one is set back to a backup, and somebody signs two messages under one number.
 *
 * @module
 */
import { encodeBase64Url } from "../../../../../crypto/encoding.ts";
import { copyDatabase, type DatabaseCopy } from "../../../../sim/database_copy.ts";
import type { SeededRandom } from "../../../../world/seeded_random.ts";
import { forgeMessage } from "../forging.ts";
import type { Links } from "./links.ts";
import type { SimulatedPerson } from "./people.ts";

const RUN_BYTES = 8;

/** The backups of some people, and whom they were given back to. */
export class Backups {
  readonly #copies = new Map<SimulatedPerson, DatabaseCopy>();
  readonly restored = new Set<string>();

  /** The newest one counts. */
  take(person: SimulatedPerson): void {
    this.#copies.set(person, copyDatabase(person.messaging.world.parts.database));
  }

  /** @returns Whether there was one. */
  async restore(person: SimulatedPerson): Promise<boolean> {
    const copy = this.#copies.get(person);
    if (copy === undefined) return false;
    this.restored.add(person.id);
    await person.restore(copy);
    return true;
  }
}

/** Signs messages under one number, and gives each to somebody else. @returns How many were taken. */
export async function equivocate(
  { author, group, links, random }: {
    readonly author: SimulatedPerson;
    readonly group: string;
    readonly links: Links;
    readonly random: SeededRandom;
  },
): Promise<number> {
  const run = encodeBase64Url(random.bytes(RUN_BYTES));
  let taken = 0;
  for (let story = 0; story < random.between(2, 3); story++) {
    const to = random.pick(links.others(author));
    taken += Number(await tell({ author, group, to, run, text: `story ${story}` }));
  }
  return taken;
}

async function tell(
  { author, group, to, run, text }: {
    readonly author: SimulatedPerson;
    readonly group: string;
    readonly to: SimulatedPerson;
    readonly run: string;
    readonly text: string;
  },
): Promise<boolean> {
  const sent_at = author.messaging.world.parts.clock.nowMs();
  const { message, salt, body } = await forgeMessage(author, group, { run, sent_at, text });
  const frame = {
    type: "messaging.group_message",
    id: `${text.replace(" ", "-")}-${run}`,
    header: { group, message, salt },
    body,
  };
  return await to.messaging.hosted.take(author.id, frame).catch(() => false);
}
