/**
 * The page of a link to send by: files are chosen, sealed here and sent.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links to send by"
 */
import { createElement as h, showName } from "./elements.js";
import { deriveAccess, fromBase64Url, toBase64Url } from "./link_crypto.js";
import { ask, language, say, show, showProblem, startWorker } from "./shell.js";
import { showBytes } from "./words.js";

/** Looks the link up and lets the person choose. */
export async function showSending(link) {
  show(() => [h("p", { role: "status" }, say("loading"))], { title: "sendTitle" });
  const { access } = await deriveAccess(link);
  const proof = { access: toBase64Url(access) };
  const answer = await ask(`${link.name}/request`, proof);
  if (answer.problem !== undefined) return showProblem(answer.problem);
  new Sending({ link, proof, maxBytes: answer.max_bytes, expiresAt: answer.expires_at }).start();
}

class Sending {
  #of;
  #files = [];
  /** The same, as the browser gave it. */
  #chosen = null;
  /** What is under way, or the word for how it ended. */
  #now = null;

  constructor(of) {
    this.#of = of;
  }

  start() {
    this.#draw({ focus: true });
  }

  #draw({ focus = false } = {}) {
    show(() => this.#content(), { focus, title: "sendTitle" });
  }

  #content() {
    const { maxBytes, expiresAt } = this.#of;
    const date = new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(expiresAt);
    const size = showBytes(maxBytes, language);
    const isBusy = this.#now?.stop !== undefined;
    if (this.#now?.word === "sent") {
      return [h("p", { className: "card", role: "status" }, say("sent"))];
    }
    return [
      h(
        "form",
        { className: "card", onsubmit: (event) => this.#submit(event) },
        h("p", {}, say("sendIntro")),
        h("label", { htmlFor: "files" }, say("choose")),
        !isBusy && h("input", {
          id: "files",
          type: "file",
          multiple: true,
          ...(this.#chosen === null ? {} : { files: this.#chosen }),
          onchange: ({ target }) => {
            this.#chosen = target.files;
            this.#files = [...target.files];
            this.#now = null;
            this.#draw();
          },
        }),
        h(
          "ul",
          { className: "files" },
          ...this.#files.map((file) =>
            h(
              "li",
              { className: "file" },
              h("bdi", { className: "name" }, showName(file.name)),
              h("span", { className: "size" }, showBytes(file.size, language)),
            )
          ),
        ),
        ...this.#state(size),
        !isBusy &&
          h("button", { type: "submit", disabled: this.#files.length === 0 }, say("send")),
        h("p", { className: "small" }, say("sendLimit", { size, date })),
      ),
      h("p", { className: "small" }, say("sendPrivate")),
    ];
  }

  #state(size) {
    const now = this.#now;
    if (now === null) return [];
    if (now.stop === undefined) {
      return [h("p", { className: "error", role: "alert" }, say(now.word, { size }))];
    }
    const all = this.#files.reduce((sum, file) => sum + file.size, 0);
    const progress = h("progress", { max: Math.max(all, 1), value: now.bytes });
    progress.setAttribute("aria-label", say("sending", { name: showName(now.name) }));
    return [
      progress,
      h("p", { className: "small" }, this.#done()),
      h("button", { className: "plain", type: "button", onclick: now.stop }, say("cancel")),
    ];
  }

  #tell(now) {
    const isGoingOn = this.#now?.stop !== undefined && now.stop !== undefined;
    this.#now = now;
    if (isGoingOn) this.#progress();
    else this.#draw();
  }

  /** Changes what is there: whoever is at its button stays there. */
  #progress() {
    const bar = document.querySelector("progress");
    bar.value = this.#now.bytes;
    bar.nextElementSibling.textContent = this.#done();
  }

  #done() {
    const all = this.#files.reduce((sum, file) => sum + file.size, 0);
    const done = showBytes(this.#now.bytes, language);
    return say("progress", { done, all: showBytes(all, language) });
  }

  async #submit(event) {
    event.preventDefault();
    const { link, proof, maxBytes } = this.#of;
    const bytes = this.#files.reduce((sum, file) => sum + file.size, 0);
    if (bytes > maxBytes) return this.#tell({ word: "tooLarge" });
    const wanted = { ...proof, files: this.#files.length, bytes };
    const answer = await ask(`${link.name}/uploads`, wanted);
    if (answer.problem !== undefined) {
      return this.#tell({ word: answer.problem === "busy" ? "noRoom" : answer.problem });
    }
    const end = await this.#send(answer.upload);
    if (end.done) return this.#tell({ word: "sent" });
    this.#tell({ word: end.cancelled ? "sendCancelled" : end.ended });
  }

  async #send(upload) {
    const { link } = this.#of;
    const worker = startWorker("sealing.js", { type: "module" });
    try {
      return await new Promise((resolve) => {
        const stop = () => resolve({ cancelled: true });
        this.#tell({ stop, bytes: 0, name: this.#files[0].name });
        worker.onmessage = ({ data }) => {
          if (data.reached === undefined) resolve(data);
          else this.#tell({ stop, bytes: data.reached, name: data.name });
        };
        worker.onerror = () => resolve({ ended: "unreadable" });
        worker.postMessage({
          url: `${location.origin}${location.pathname}/${upload}`,
          link: link.id,
          upload: fromBase64Url(upload),
          receiver: link.secret,
          files: this.#files,
        });
      });
    } finally {
      worker.terminate();
    }
  }
}
