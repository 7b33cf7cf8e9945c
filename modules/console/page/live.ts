/**
 * What the node tells while it happens. `EventSource` cannot send the session's header, so the stream is read here.
 *
 * @module
 */
import { signal } from "@preact/signals";
import { ask, signedIn } from "./api.ts";
import { EventReader } from "./event_reader.ts";

export interface LiveEvent {
  readonly type: string;
  readonly [member: string]: unknown;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** Whether events come now. */
export const isLive = signal(false);

async function readEvents(take: (event: LiveEvent) => void, opened: () => void): Promise<void> {
  const answer = await ask("GET", "/admin/v1/events");
  const reader = new EventReader();
  opened();
  for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
    for (const data of reader.take(text)) take(JSON.parse(data) as LiveEvent);
  }
}

function wait(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  return promise;
}

/**
 * Hears events for as long as somebody is signed in.
 * @param opened Called each time the stream begins: what was told in between is lost.
 */
export async function hearEvents(
  take: (event: LiveEvent) => void,
  opened: () => void,
): Promise<void> {
  let waitMs = FIRST_WAIT_MS;
  while (signedIn.value === true) {
    try {
      await readEvents(take, () => {
        isLive.value = true;
        waitMs = FIRST_WAIT_MS;
        opened();
      });
    } catch {
      // The wait below and the next try are all that can be done.
    }
    isLive.value = false;
    await wait(waitMs);
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
  }
}
