/**
 * Fetches one file of a link in a Worker, or a folder, as a zip file: each chunk is opened and checked before it is
 * written, and where one is wrong nothing stays.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links"
 */
import { readList, zipEntries } from "./folder.js";
import {
  CHUNK_BYTES,
  chunkRoot,
  derivePartKey,
  fromBase64Url,
  HASH_BYTES,
  isSame,
  layerLength,
  layerRoot,
  openPiece,
  SEALED_CHUNK_BYTES,
  sealedLength,
  TAG_BYTES,
} from "./link_crypto.js";
import { ZipWriter } from "./zip.js";

const MAX_TRIES = 8;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;
const TOLD_MS = 100;
const MAX_LIST_BYTES = 16 * 2 ** 20;

/** What ends a download; `reason` is a word of the page. */
class Ended extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** Asks for pieces from a number on; waits where the node does not answer. */
async function* piecesFrom(url, { from, count, lastLength }) {
  let number = from;
  let tries = 0;
  while (number < count) {
    try {
      const headers = { range: `bytes=${number * SEALED_CHUNK_BYTES}-` };
      const answer = await fetch(url, {
        headers,
        referrerPolicy: "no-referrer",
        cache: "no-store",
      });
      if (!answer.ok) throw await refusalOf(answer);
      for await (const sealed of cutPieces(answer.body, { number, count, lastLength })) {
        yield { number, sealed };
        number += 1;
        tries = 0;
      }
    } catch (error) {
      if (error instanceof Ended) throw error;
      tries += 1;
      if (tries >= MAX_TRIES) throw new Ended("unreachable");
      await pause(Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), MAX_PAUSE_MS));
    }
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @returns What to throw: the end, or something that may go better another time. */
async function refusalOf(answer) {
  const { reason } = await answer.json().catch(() => ({}));
  if (answer.status === 410) return new Ended(reason ?? "failed");
  if (answer.status === 404) return new Ended("unknown");
  if (answer.status === 416) return new Ended("damaged");
  return new Error("The node is busy");
}

/** Cuts what comes into sealed pieces, each in the memory of the one before; breaks where too little comes. */
async function* cutPieces(body, { number, count, lastLength }) {
  const reader = body.getReader();
  try {
    const memory = new Uint8Array(SEALED_CHUNK_BYTES);
    let held = new Uint8Array();
    for (let at = number; at < count; at++) {
      const piece = at === count - 1 ? memory.subarray(0, lastLength) : memory;
      let filled = 0;
      while (filled < piece.length) {
        if (held.length === 0) {
          const { done, value } = await reader.read();
          if (done) throw new Error("The answer broke off");
          held = value;
        }
        const taken = held.subarray(0, piece.length - filled);
        piece.set(taken, filled);
        filled += taken.length;
        held = held.subarray(taken.length);
      }
      yield piece;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param bytes The length of the plain content. */
function shapeOf(bytes) {
  const count = Math.ceil(bytes / CHUNK_BYTES);
  return { count, lastLength: sealedLength(bytes) - (count - 1) * SEALED_CHUNK_BYTES };
}

async function fetchLayer({ url, sealing, what }) {
  const bytes = layerLength(what.length);
  if (bytes === 0) return null;
  const part = { ...what, part: "layer" };
  const key = await derivePartKey(sealing, part);
  const layer = new Uint8Array(bytes);
  for await (const piece of piecesFrom(`${url}/layer`, { from: 0, ...shapeOf(bytes) })) {
    const content = await openPiece(key, part, piece);
    if (content === null) throw new Ended("damaged");
    layer.set(content, piece.number * CHUNK_BYTES);
  }
  if (!isSame(await layerRoot(layer), what.root)) throw new Ended("damaged");
  return layer;
}

async function fetchFile({ url, sealing, what, write, reached }) {
  const layer = await fetchLayer({ url, sealing, what });
  const key = await derivePartKey(sealing, what);
  let toldMs = -Infinity;
  for await (const piece of piecesFrom(`${url}/data`, { from: 0, ...shapeOf(what.length) })) {
    const { number, sealed } = piece;
    const content = await openPiece(key, what, piece);
    if (content === null || content.length !== sealed.length - TAG_BYTES) {
      throw new Ended("damaged");
    }
    const expected = layer?.subarray(number * HASH_BYTES, (number + 1) * HASH_BYTES) ?? what.root;
    if (!isSame(await chunkRoot(content, { isWhole: layer === null }), expected)) {
      throw new Ended("damaged");
    }
    await write(content, number * CHUNK_BYTES);
    if (performance.now() - toldMs < TOLD_MS) continue;
    toldMs = performance.now();
    reached(number * CHUNK_BYTES + content.length);
  }
}

/** A file that the person chose: it takes its name only once it is whole. */
async function chosenTarget(handle) {
  const writable = await handle.createWritable();
  return {
    write: (data, position) => writable.write({ type: "write", data, position }),
    finish: () => writable.close(),
    drop: () => writable.abort(),
  };
}

/** A file of the browser's own, which is handed over once it is whole. */
async function privateTarget(name) {
  const folder = await (await navigator.storage.getDirectory())
    .getDirectoryHandle("openred-links", { create: true });
  const handle = await folder.getFileHandle(name, { create: true });
  const access = await handle.createSyncAccessHandle();
  return {
    write: (data, at) => {
      if (access.write(data, { at }) !== data.length) throw new Ended("disk");
    },
    finish: () => {
      access.flush();
      access.close();
    },
    drop: async () => {
      access.close();
      await folder.removeEntry(name);
    },
  };
}

/** @param ticket Of this file. */
function partOf({ url, sealing, transfer }, { part, ticket, length, root }) {
  const what = { transfer, part, length, root: fromBase64Url(root ?? "") };
  if (what.root === null || (what.root.length === 0) !== (length === 0)) throw new Ended("damaged");
  return { url: `${url}/${ticket}`, sealing, what };
}

/** Fetches a file of which nothing may be there. */
async function fetchPart(wanted, file, { write, reached }) {
  const part = partOf(wanted, file);
  if (file.length > 0) await fetchFile({ ...part, write, reached });
}

/** Fetches the list of a folder, then what is in it. */
async function fetchFolder(wanted, { write, reached }) {
  const { file, content } = wanted;
  if (file.length > MAX_LIST_BYTES) throw new Ended("damaged");
  const list = new Uint8Array(file.length);
  await fetchPart(wanted, file, { write: (piece, at) => list.set(piece, at), reached: () => {} });
  const { length, root } = content;
  const entries = readList(list, { length, root, entries: file.entries });
  if (entries === null) throw new Ended("damaged");
  const zip = new ZipWriter(zipEntries(file.name, entries), write);
  await fetchPart(wanted, content, { write: (piece) => zip.take(piece), reached });
  await zip.finish();
}

addEventListener("message", async ({ data: wanted }) => {
  const { file, content, handle, name } = wanted;
  let target = null;
  try {
    try {
      target = handle === null ? await privateTarget(name) : await chosenTarget(handle);
    } catch {
      throw new Ended("disk");
    }
    const reached = (bytes) => postMessage({ reached: bytes });
    const write = async (piece, at) => {
      try {
        await target.write(piece, at);
      } catch {
        throw new Ended("disk");
      }
    };
    if (content === null) await fetchPart(wanted, file, { write, reached });
    else await fetchFolder(wanted, { write, reached });
    await target.finish();
    postMessage({ done: true });
  } catch (error) {
    await Promise.resolve(target?.drop()).catch(() => {});
    postMessage({ ended: error instanceof Ended ? error.reason : "disk" });
  }
});
