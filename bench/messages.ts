/**
 * Sealed frames over the channel against a bare WebSocket.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { FRAME_HEAD_BYTES, FRAME_LENGTHS_BYTES, FRAME_TAG_BYTES } from "../protocol/limits.ts";
import { NodeProcesses } from "./node_processes.ts";
import { cpuSecondsDuring } from "./process_cpu.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, ratiosOf, spreadOf } from "./statistics.ts";

const BODY_BYTES = 256;
const HEADER_BYTES = Buffer.byteLength(JSON.stringify({ type: "bench.note" }));
/** A whole frame: what the bare WebSocket sends instead. */
const FRAME_BYTES = FRAME_HEAD_BYTES + FRAME_LENGTHS_BYTES + HEADER_BYTES + BODY_BYTES +
  FRAME_TAG_BYTES;
const MICROSECONDS = 1_000_000;
/** About what a sample may take, in messages of each kind a millisecond. */
const FRAMES_PER_MS = 12;
const PINGS_PER_MS = 1;
const TEXTS_PER_MS = 1;
/** A text as people write long ones; on the wire more than the runtime's own WebSocket client sends at once. */
const LONG_TEXT_BYTES = 2_000;
const LONG_TEXTS = 30;
const MAX_LONG_TEXT_MS = 8;

interface OneWay {
  readonly perSecond: number;
  /** Of both processes, microseconds a message. */
  readonly cpu: number;
}

/** Starts something in a, and waits until b says that all of it has come. */
async function sendOneWay(
  processes: NodeProcesses,
  options: { send: string; expect: string; count: number; bytes: number },
): Promise<OneWay> {
  const { send, expect, count, bytes } = options;
  let seconds = 0;
  const cpu = await cpuSecondsDuring(processes.pids, async () => {
    const startMs = performance.now();
    const arrived = processes.b.call(expect, count);
    await Promise.all([processes.a.call(send, { count, bytes }), arrived]);
    seconds = (performance.now() - startMs) / 1_000;
  });
  return { perSecond: count / seconds, cpu: cpu / count * MICROSECONDS };
}

/** The median of many round trips is one sample. */
async function roundTrip(
  processes: NodeProcesses,
  options: { ping: string; count: number; bytes: number },
): Promise<number> {
  const { ping, count, bytes } = options;
  return spreadOf(await processes.a.call<number[]>(ping, { count, bytes })).median;
}

async function sendTexts(processes: NodeProcesses, count: number): Promise<number> {
  const startMs = performance.now();
  await processes.a.call("sendTexts", { count, bytes: BODY_BYTES });
  return count / (performance.now() - startMs) * 1_000;
}

async function measureOneWay(processes: NodeProcesses, settings: Settings): Promise<void> {
  const count = settings.sampleMs * FRAMES_PER_MS;
  const sealed = async (isShared: boolean) => {
    await processes.a.call("share", isShared);
    const options = { send: "flood", expect: "expect", count, bytes: BODY_BYTES };
    return await sendOneWay(processes, options);
  };
  const samples = await interleave(settings.rounds, {
    raw: () =>
      sendOneWay(processes, { send: "rawFlood", expect: "rawExpect", count, bytes: FRAME_BYTES }),
    alone: () => sealed(false),
    shared: () => sealed(true),
  });
  const rates = (list: readonly OneWay[]) => list.map(({ perSecond }) => perSecond);
  const times = (list: readonly OneWay[]) => list.map(({ cpu }) => cpu);
  const unit = { unit: "messages/s" };
  const time = { unit: "µs CPU", digits: 1 };
  const ofBare = (list: readonly OneWay[]) =>
    ratiosOf(rates(list), rates(samples.raw)).map((ratio) => 100 * ratio);
  printSamples("one way, bare WebSocket", rates(samples.raw), unit);
  printSamples("one way, sealed, a frame each", rates(samples.alone), unit);
  printSamples("one way, sealed, several in a frame", rates(samples.shared), unit);
  printAim("one way, a frame each ÷ bare", ofBare(samples.alone), {
    unit: "%",
    aim: { atLeast: 40 },
  });
  printAim("one way, several in a frame ÷ bare", ofBare(samples.shared), {
    unit: "%",
    aim: { atLeast: 150 },
  });
  printSamples("one message, bare WebSocket", times(samples.raw), time);
  printSamples("one message, sealed, a frame each", times(samples.alone), time);
  printSamples("one message, sealed, several in a frame", times(samples.shared), time);
}

async function measureRoundTrips(processes: NodeProcesses, settings: Settings): Promise<void> {
  const count = settings.sampleMs * PINGS_PER_MS;
  const { raw, sealed } = await interleave(settings.rounds, {
    raw: () => roundTrip(processes, { ping: "rawPing", count, bytes: FRAME_BYTES }),
    sealed: () => roundTrip(processes, { ping: "ping", count, bytes: BODY_BYTES }),
  });
  const unit = { unit: "µs" };
  printSamples("round trip, bare WebSocket", raw, unit);
  printSamples("round trip, sealed", sealed, unit);
  printAim("round trip, sealed ÷ bare", ratiosOf(sealed, raw), {
    unit: "×",
    digits: 2,
    aim: { atMost: 3 },
  });
}

async function measureTexts(processes: NodeProcesses, settings: Settings): Promise<void> {
  const long = async (from: "a" | "b") => {
    const options = { count: LONG_TEXTS, bytes: LONG_TEXT_BYTES };
    return spreadOf(await processes[from].call<number[]>("timeTexts", options)).median;
  };
  const samples = await interleave(settings.rounds, {
    fromA: () => long("a"),
    fromB: () => long("b"),
    texts: () => sendTexts(processes, settings.sampleMs * TEXTS_PER_MS),
  });
  const ends = { "opening": samples.fromA, "accepting": samples.fromB };
  for (const [end, rounds] of Object.entries(ends)) {
    printAim(`a text of 2,000 bytes, from the ${end} end`, rounds, {
      unit: "ms",
      digits: 1,
      aim: { atMost: MAX_LONG_TEXT_MS },
    });
  }
  printAim("acknowledged texts, stored at both ends", samples.texts, {
    unit: "messages/s",
    aim: { atLeast: 6_000 },
  });
}

async function run(settings: Settings): Promise<void> {
  await using processes = await NodeProcesses.start({ count: 1, isDurable: true });
  await processes.a.call("callAll", { first: 0, each: 1 });
  await processes.a.call("untilChannel");
  await processes.a.call("rawOpen", processes.rawPortB);
  printTitle(
    "messages",
    `${BODY_BYTES} bytes between two nodes in two processes, over the channel`,
  );
  await measureOneWay(processes, settings);
  await measureRoundTrips(processes, settings);
  await measureTexts(processes, settings);
  printNote(
    `a frame of ${BODY_BYTES} bytes is ${FRAME_BYTES} bytes long; the bare WebSocket sends as many`,
  );
}

/** Messages over the channel. */
export const messages: Benchmark = { name: "messages", run };
