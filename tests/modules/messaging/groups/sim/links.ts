/**
 * What lies between the people of a simulated group: who meets whom, and what becomes of the frames.
 *
 * @module
 */
import { hasCode, OpenRedError } from "../../../../../protocol/errors.ts";
import type { ReliableMessage } from "../../../../../peer/sessions/reliable.ts";
import type { SeededRandom } from "../../../../world/seeded_random.ts";
import { settle } from "../../../../world/settle.ts";
import type { SimulatedPerson } from "./people.ts";

/** How bad the way is. */
export interface Weather {
  /** A frame stays where it is until later. */
  readonly lost: number;
  /** It comes twice. */
  readonly twice: number;
  /** Its acknowledgement does not come. */
  readonly unheard: number;
}

export const CALM: Weather = { lost: 0, twice: 0, unheard: 0 };

export class Links {
  readonly #people: readonly SimulatedPerson[];
  readonly #random: SeededRandom;
  readonly #linked = new Set<string>();
  /** Frames that were brought, repeats included. */
  brought = 0;

  constructor(people: readonly SimulatedPerson[], random: SeededRandom) {
    this.#people = people;
    this.#random = random;
  }

  /** Lets these meet and nobody else. */
  async set(allows: (a: number, b: number) => boolean): Promise<void> {
    const people = this.#people;
    for (const [at, one] of people.entries()) {
      for (const [other, two] of people.entries()) {
        if (at >= other) continue;
        const key = `${at} ${other}`;
        const isLinked = allows(at, other);
        if (isLinked === this.#linked.has(key)) continue;
        if (isLinked) this.#linked.add(key);
        else this.#linked.delete(key);
        for (const [from, to] of [[one, two], [two, one]] as const) {
          if (isLinked) from.sender.connected.add(to.id);
          else from.sender.connected.delete(to.id);
          if (isLinked) from.messaging.hosted.host.confirmed(to.id);
        }
      }
    }
    await settle();
  }

  /** Somebody has started anew, and meets whom they met before. */
  async meetAgain(person: SimulatedPerson): Promise<void> {
    for (const other of this.#people) {
      if (!person.sender.isConnected(other.id)) continue;
      person.messaging.hosted.host.confirmed(other.id);
      other.messaging.hosted.host.confirmed(person.id);
    }
    await settle();
  }

  /** All but one of the people. */
  others(person: SimulatedPerson): SimulatedPerson[] {
    return this.#people.filter((other) => other !== person);
  }

  /** Brings what is under way, in any order. @returns How many frames were there. */
  async bring(weather: Weather): Promise<number> {
    let count = 0;
    await settle();
    for (const person of this.#people) {
      person.sender.once.splice(0);
      const frames = this.#shuffled(person.sender.sent.splice(0));
      const left: ReliableMessage[] = [];
      for (const frame of frames) {
        if (!person.sender.isUnderWay(frame.id)) continue;
        const isThere = person.sender.isConnected(frame.peer);
        if (isThere) count += 1;
        if (!isThere || this.#random.chance(weather.lost)) left.push(frame);
        else if (!await this.#hand(person, frame, weather)) left.push(frame);
      }
      person.sender.sent.push(...left);
    }
    await settle();
    return count;
  }

  /** @returns Whether the frame is done with, for its sender. */
  async #hand(
    from: SimulatedPerson,
    frame: ReliableMessage,
    weather: Weather,
  ): Promise<boolean> {
    const to = this.#people.find(({ id }) => id === frame.peer)!;
    const { id, header, body } = frame;
    const given = { type: String(header.type), id, header, ...(body ? { body } : {}) };
    let isTaken = false;
    for (let copy = this.#random.chance(weather.twice) ? 2 : 1; copy > 0; copy -= 1) {
      this.brought += 1;
      try {
        isTaken = await to.messaging.hosted.take(from.id, given);
        if (!isTaken && to.messaging.hosted.gate.refuses(from.id, { ...given, input: header })) {
          return refuse(from, frame);
        }
      } catch (error) {
        if (!(error instanceof OpenRedError)) throw error;
        if (!hasCode(error, "overloaded")) return refuse(from, frame);
      }
    }
    if (!isTaken || this.#random.chance(weather.unheard)) return false;
    from.sender.acknowledge(id);
    return true;
  }

  #shuffled<T>(items: readonly T[]): T[] {
    return items.map((item) => ({ item, at: this.#random.unit() }))
      .sort((a, b) => a.at - b.at).map(({ item }) => item);
  }
}

function refuse(from: SimulatedPerson, frame: ReliableMessage): boolean {
  frame.refused?.();
  from.sender.cancel(frame.id);
  return true;
}
