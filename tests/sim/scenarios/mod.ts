/**
 * All scenarios, by turns of the seed.
 *
 * @module
 */
import type { Scenario } from "../scenario.ts";
import { blockedPeer } from "./blocking.ts";
import { clockFarOff, clockSteps } from "./clock_steps.ts";
import {
  allDirectoriesDown,
  directoryRestart,
  lyingDirectory,
  oneDirectoryDown,
} from "./directory_faults.ts";
import { sharedFiles } from "./files.ts";
import {
  bothCall,
  forgedRefusal,
  garbageAnswers,
  lostMessageTwo,
  replayedMessages,
} from "./handshake_faults.ts";
import { crashWhileAnswering, forgedRefusalAlone, longSilence } from "./hard_cases.ts";
import { ratchet, renewal } from "./long_life.ts";
import { mixture } from "./mixture.ts";
import { behindRelay, brokenLinks, directWays, lyingRelay } from "./relay.ts";
import {
  crashWhileConnecting,
  restart,
  restartOfBoth,
  restoredBackup,
  restoredVault,
} from "./restarts.ts";

/** The mixture comes most often. */
const TURNS: readonly Scenario[] = [
  mixture,
  lostMessageTwo,
  restart,
  mixture,
  forgedRefusal,
  allDirectoriesDown,
  mixture,
  bothCall,
  clockSteps,
  restoredVault,
  mixture,
  lyingDirectory,
  crashWhileConnecting,
  mixture,
  replayedMessages,
  restoredBackup,
  oneDirectoryDown,
  mixture,
  restartOfBoth,
  garbageAnswers,
  directoryRestart,
  mixture,
  renewal,
  ratchet,
  forgedRefusalAlone,
  crashWhileAnswering,
  longSilence,
  blockedPeer,
  clockFarOff,
];

/** Those that have seeds of their own, so that the turns of the others stay as they are. */
const APART: readonly Scenario[] = [
  behindRelay,
  brokenLinks,
  lyingRelay,
  directWays,
  sharedFiles,
];

export const SCENARIOS: readonly Scenario[] = [...new Set(TURNS), ...APART];

export function scenarioOf(seed: number): Scenario {
  return TURNS[seed % TURNS.length]!;
}

export function findScenario(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}
