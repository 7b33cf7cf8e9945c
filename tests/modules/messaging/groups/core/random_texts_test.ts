import { assert } from "@std/assert";
import fc from "fast-check";
import { encodeBase64Url } from "../../../../../crypto/encoding.ts";
import type { ModuleSignatures } from "../../../../../modules/api.ts";
import { openMembership } from "../../../../../modules/messaging/groups/core/memberships.ts";
import { openMessage } from "../../../../../modules/messaging/groups/core/messages.ts";
import { openStatement } from "../../../../../modules/messaging/groups/core/statements.ts";
import { readSummary, readVector } from "../../../../../modules/messaging/groups/core/vectors.ts";
import { OpenRedError } from "../../../../../protocol/errors.ts";
import { unverifiedPayload } from "../../../../../protocol/jws.ts";
import { editObject, memberEdit } from "../../../../property/edits.ts";
import { Person, RUN } from "./people.ts";

const RUNS_OF_EACH = 20_000;
const HASH = "A".repeat(43);
const person = new Person(1);
const { next, succession } = person.succeed();

/** Every text holds: what is tried is what comes behind a signature of whoever likes to sign. */
const trusting: ModuleSignatures = {
  ...person.signatures,
  verify: (_type, text) => {
    const payload = unverifiedPayload(text) as Record<string, unknown>;
    return Promise.resolve({ iss: payload.iss as typeof person.id, payload, hash: HASH });
  },
};

const last = [{ run: RUN, n: 3, hash: HASH }];
const place = { v: 3, iss: next.id, group: HASH, stm: HASH, iat: 1 };
const RIGHT = {
  statement: {
    ...place,
    n: 1,
    prev: HASH,
    name: "Choir",
    add: [person.added],
    remove: [{ id: next.id, last }],
    owner: person.id,
    history: true,
    succession: [succession],
  },
  membership: { ...place, in: false, last, succession: [succession] },
  message: {
    ...place,
    run: RUN,
    n: 2,
    prev: HASH,
    type: "text",
    sent_at: 1,
    after: [HASH],
    reply_to: HASH,
    edits: { run: RUN, n: 1 },
    expires_ms: 5_000,
    hash: HASH,
  },
};

const texts: readonly (readonly [object, (text: string) => Promise<unknown>])[] = [
  [RIGHT.statement, (text) => openStatement(trusting, text)],
  [RIGHT.membership, (text) => openMembership(trusting, text)],
  [RIGHT.message, (text) => openMessage(trusting, text)],
];

async function isTaken(attempt: () => unknown): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch (error) {
    assert(error instanceof OpenRedError, String(error));
    return false;
  }
}

Deno.test(`${RUNS_OF_EACH} changed texts of each type are read, or refused by a code`, async () => {
  for (const [right, open] of texts) {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(memberEdit, async (edit) => {
        const text = `e30.${encodeBase64Url(editObject(right, edit))}.AA`;
        if (await isTaken(() => open(text))) taken += 1;
      }),
      { numRuns: RUNS_OF_EACH },
    );
    assert(taken > 0 && taken < RUNS_OF_EACH, "some are taken, and some are not");
  }
});

Deno.test(`${RUNS_OF_EACH} changed summaries and vectors are read, or refused by a code`, async () => {
  const summary = { heads: [{ n: 0, hash: HASH }], displaced: [HASH], members: [HASH] };
  const vector = { runs: [{ id: person.id, run: RUN, held: [[1, 2], [5, 9]], never: [[3, 3]] }] };
  for (const [right, read] of [[summary, readSummary], [vector, readVector]] as const) {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(memberEdit, async (edit) => {
        if (await isTaken(() => read(editObject(right, edit)))) taken += 1;
      }),
      { numRuns: RUNS_OF_EACH },
    );
    assert(taken > 0 && taken < RUNS_OF_EACH, "some are taken, and some are not");
  }
});
