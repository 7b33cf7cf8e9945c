/**
 * The page of a link: looks it up, asks for its password, and saves its files. Text of others stands only in text nodes.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links"
 */
import { cleanName, createElement as h, showName } from "./elements.js";
import {
  deriveAccess,
  derivePartKey,
  deriveSealing,
  fromBase64Url,
  openPiece,
  PASSWORD_COST,
  passwordBytes,
  toBase64Url,
} from "./link_crypto.js";
import { showSending } from "./sending.js";
import { ask, language, say, show, showProblem, startWorker } from "./shell.js";
import { showBytes, showSpan } from "./words.js";

const PRIVATE_FOLDER = "openred-links";
/** How long what was handed over stays in the browser's own storage. */
const KEPT_MS = 600_000;

/** Takes the link out of the address bar, where it would be seen, kept and sent along. */
function takeLink() {
  const isToSend = /^#r[A-Za-z0-9_-]{43}$/.test(location.hash);
  const secret = fromBase64Url(location.hash.slice(isToSend ? 2 : 1));
  const name = location.pathname.split("/").at(-1);
  history.replaceState(null, "", location.pathname);
  const id = fromBase64Url(name);
  if (id?.length !== 16 || secret?.length !== 32) return null;
  return { name, id, secret, isToSend };
}

function stretch(password, salt) {
  const worker = startWorker("stretching.js");
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
    worker.postMessage({ password: passwordBytes(password), salt, cost: PASSWORD_COST });
  }).finally(() => worker.terminate());
}

async function lookUp(link) {
  show(() => [h("p", { role: "status" }, say("loading"))]);
  const { access, salt } = await deriveAccess(link);
  const proofs = { access: toBase64Url(access) };
  const answer = await ask(`${link.name}/head`, proofs);
  if (answer.problem !== undefined) return showProblem(answer.problem);
  if (answer.password) return askPassword(link, { proofs, salt });
  const { sealing } = await deriveSealing(link, null);
  await showHead(link, { proofs, sealing, head: answer.head });
}

function askPassword(link, { proofs, salt }) {
  let problem = null;
  let isOpening = false;
  let typed = "";
  const redraw = () => {
    show(content, { focus: false });
    document.querySelector("input")?.focus();
  };
  const submit = async (event) => {
    event.preventDefault();
    if (isOpening || typed === "") return;
    isOpening = true;
    problem = null;
    redraw();
    const { open, sealing } = await deriveSealing(link, await stretch(typed, salt));
    const shown = { ...proofs, open: toBase64Url(open) };
    const answer = await ask(`${link.name}/head`, shown);
    if (answer.problem === undefined) {
      return await showHead(link, { proofs: shown, sealing, head: answer.head });
    }
    if (!["passwordWrong", "passwordPause", "unreachable", "busy"].includes(answer.problem)) {
      return showProblem(answer.problem);
    }
    isOpening = false;
    problem = answer;
    redraw();
  };
  const content = () => [
    h(
      "form",
      { className: "card", onsubmit: submit },
      h("p", {}, say("passwordAsked")),
      h("label", { htmlFor: "password" }, say("password")),
      h("input", {
        id: "password",
        type: "password",
        autocomplete: "off",
        required: true,
        value: typed,
        oninput: ({ target }) => typed = target.value,
      }),
      problem && h("p", { className: "error", role: "alert" }, say(problem.problem, problem)),
      isOpening && h("p", { role: "status" }, say("opening")),
      h("button", { type: "submit", disabled: isOpening }, say("open")),
    ),
  ];
  redraw();
}

async function showHead(link, { proofs, sealing, head }) {
  const what = { transfer: link.id, part: "head", root: new Uint8Array(), length: 0 };
  const sealed = fromBase64Url(head ?? "");
  const content = sealed === null
    ? null
    : await openPiece(await derivePartKey(sealing, what), what, { number: 0, sealed });
  if (content === null) return showProblem("damaged");
  const { files, note, expires_at: expiresAt } = JSON.parse(new TextDecoder().decode(content));
  const parts = files.map((file, part) => ({ ...file, part }));
  const saves = parts.flatMap((file, at) => {
    if (file.kind === "content") return [];
    const content = file.kind === "folder" ? parts[at + 1] : null;
    return [new Save({ link, proofs, sealing, file, content })];
  });
  show(() => [
    h(
      "section",
      { className: "card" },
      note && h("h2", {}, say("note")),
      note &&
        h("p", { className: "note", dir: "auto" }, h("bdi", {}, showName(note, { lines: true }))),
      h("h2", {}, say("files")),
      h("ul", { className: "files" }, ...saves.map((save) => save.draw())),
      expiresAt && h("p", { className: "small" }, say("until", { date: showDate(expiresAt) })),
    ),
    h("p", { className: "small" }, say("private")),
  ]);
}

function showDate(ms) {
  return new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" }).format(ms);
}

/** One file, or a folder as a zip file: its line on the page, and the saving of it. */
class Save {
  #of;
  #button = null;
  #state = null;
  /** A word and its values, or what is under way. */
  #now = null;
  #isBusy = false;

  constructor(of) {
    this.#of = of;
  }

  /** What it is saved as. */
  get #name() {
    const { file, content } = this.#of;
    return content === null ? file.name : `${file.name}.zip`;
  }

  get #length() {
    const { file, content } = this.#of;
    return (content ?? file).length;
  }

  draw() {
    const { file, content } = this.#of;
    const name = showName(this.#name);
    this.#button = h("button", { type: "button", onclick: () => this.#save() });
    this.#button.setAttribute("aria-label", say("saveNamed", { name }));
    this.#state = h("div", { className: "state" });
    this.#update();
    return h(
      "li",
      { className: "file" },
      h("bdi", { className: "name" }, name),
      this.#button,
      h("span", { className: "size" }, showBytes(this.#length, language)),
      content && h("p", { className: "small" }, say("folder", { count: file.entries })),
      this.#state,
    );
  }

  #tell(now) {
    this.#now = now;
    this.#update();
  }

  #update() {
    const now = this.#now;
    this.#button.textContent = say(now?.isWrong ? "again" : "save");
    this.#button.disabled = this.#isBusy;
    if (now === null) return this.#state.replaceChildren();
    if (now.stop === undefined) {
      const kind = now.isWrong ? { className: "error", role: "alert" } : { role: "status" };
      return this.#state.replaceChildren(h("p", kind, say(now.word, now)));
    }
    this.#drawProgress(now);
  }

  #drawProgress({ stop, bytes, startMs }) {
    const name = this.#name;
    const length = this.#length;
    const seconds = (performance.now() - startMs) / 1_000;
    const rate = bytes / seconds;
    const done = say("progress", {
      done: showBytes(bytes, language),
      all: showBytes(length, language),
    });
    const speed = say("rate", {
      rate: showBytes(Math.round(rate), language),
      left: showSpan((length - bytes) / rate),
    });
    const text = bytes > 0 && seconds > 1 ? `${done}, ${speed}` : done;
    const [bar, line] = this.#state.children;
    if (bar?.localName === "progress") {
      bar.value = bytes;
      line.textContent = text;
      return;
    }
    const progress = h("progress", { max: Math.max(length, 1), value: bytes });
    progress.setAttribute("aria-label", say("saving", { name: showName(name) }));
    this.#state.replaceChildren(
      progress,
      h("p", { className: "small" }, text),
      h("button", { className: "plain", type: "button", onclick: stop }, say("cancel")),
    );
  }

  async #save() {
    let chosen = null;
    if (globalThis.showSaveFilePicker !== undefined) {
      chosen = await choose(cleanName(this.#name));
      if (chosen === null) return;
    }
    this.#isBusy = true;
    this.#tell(null);
    const { file, content } = this.#of;
    const answers = [await this.#ticket(file)];
    if (content !== null && answers[0].problem === undefined) {
      answers.push(await this.#ticket(content));
    }
    const problem = answers.at(-1).problem;
    if (problem === undefined) await this.#fetch(answers.map(({ ticket }) => ticket), chosen);
    else {
      await chosen?.drop();
      this.#tell({ word: problem === "passwordPause" ? "busy" : problem, isWrong: true });
    }
    this.#isBusy = false;
    this.#update();
  }

  #ticket({ part }) {
    const { link, proofs } = this.#of;
    return ask(`${link.name}/tickets`, { ...proofs, file: part });
  }

  async #fetch([ticket, ofContent], chosen) {
    const { link, sealing, file, content } = this.#of;
    const name = crypto.randomUUID();
    const release = chosen === null ? await holdPrivate(name) : () => {};
    const worker = startWorker("fetching.js", { type: "module" });
    const startMs = performance.now();
    const end = await new Promise((resolve) => {
      const stop = () => resolve({ cancelled: true });
      this.#tell({ stop, bytes: 0, startMs });
      worker.onmessage = ({ data }) => {
        if (data.reached === undefined) resolve(data);
        else this.#tell({ stop, bytes: data.reached, startMs });
      };
      worker.onerror = () => resolve({ ended: "disk" });
      worker.postMessage({
        url: `${location.origin}${location.pathname}`,
        sealing,
        transfer: link.id,
        file: { ...file, ticket },
        content: content === null ? null : { ...content, ticket: ofContent },
        handle: chosen?.handle ?? null,
        name,
      });
    });
    worker.terminate();
    if (end.done && chosen === null) await handOver(name, cleanName(this.#name));
    if (end.done) setTimeout(release, KEPT_MS);
    else {
      await chosen?.drop();
      release();
    }
    if (end.cancelled) return this.#tell({ word: "cancelled", isWrong: true });
    if (end.ended !== undefined) return this.#tell({ word: end.ended, isWrong: true });
    this.#tell({ word: chosen === null ? "handedOver" : "checked" });
  }
}

/** Asks where to save. @returns `null` if the person changed their mind. */
async function choose(suggestedName) {
  try {
    const handle = await showSaveFilePicker({ suggestedName }).catch((error) => {
      if (error instanceof TypeError) return showSaveFilePicker();
      throw error;
    });
    // The picker has made an empty file; one that was there before is not this page's to remove.
    const isNew = (await handle.getFile()).size === 0;
    return {
      handle,
      drop: async () => {
        if (isNew) await handle.remove?.().catch(() => {});
      },
    };
  } catch (error) {
    if (error.name === "AbortError") return null;
    throw error;
  }
}

/** Holds a name of the browser's own storage. @returns What lets go of it, and removes it. */
async function holdPrivate(name) {
  const { promise, resolve } = Promise.withResolvers();
  await new Promise((held) => {
    navigator.locks.request(`${PRIVATE_FOLDER}/${name}`, () => {
      held();
      return promise;
    });
  });
  return () => {
    resolve();
    removePrivate(name).catch(() => {});
  };
}

async function privateFolder() {
  const root = await navigator.storage.getDirectory();
  return await root.getDirectoryHandle(PRIVATE_FOLDER, { create: true });
}

async function removePrivate(name) {
  await (await privateFolder()).removeEntry(name);
}

/** Removes what pages that are gone have left. */
async function sweepPrivate() {
  for await (const name of (await privateFolder()).keys()) {
    await navigator.locks.request(
      `${PRIVATE_FOLDER}/${name}`,
      { ifAvailable: true },
      async (lock) => {
        if (lock !== null) await removePrivate(name);
      },
    );
  }
}

/** Gives a file of the browser's own storage to its downloads. */
async function handOver(name, download) {
  const handle = await (await privateFolder()).getFileHandle(name);
  const href = URL.createObjectURL(await handle.getFile());
  h("a", { href, download }).click();
  setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
}

async function main() {
  const link = takeLink();
  if (!isSecureContext) return showProblem("insecure");
  if (link === null) return showProblem("incomplete");
  sweepPrivate().catch(() => {});
  await (link.isToSend ? showSending(link) : lookUp(link));
}

addEventListener("hashchange", () => location.reload());
await main();
