/**
 * What both pages of links have: their frame, their words, and asking the node.
 *
 * @module
 */
import { createElement as h } from "./elements.js";
import { languageOf, WORDS } from "./words.js";

const ASSETS = ["fetching.js", "sealing.js", "stretching.js"];

const policy = globalThis.trustedTypes?.createPolicy("openred", {
  createScriptURL: (name) => {
    if (!ASSETS.includes(name)) throw new TypeError("Not a script of this page");
    return `-/${name}`;
  },
});

export function startWorker(name, options) {
  return new Worker(policy?.createScriptURL(name) ?? `-/${name}`, options);
}

/** The language of the page now. */
export let language = languageOf(navigator.languages);
/** Draws what is to be seen now; called again for another language. */
let draw = () => {};

export function say(word, values = {}) {
  return WORDS[language][word].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** @param focus Whether what is new here is to be heard. */
export function show(content, { focus = true, title = "title" } = {}) {
  draw = () => {
    document.documentElement.lang = language;
    document.title = `${say(title)} – OpenRed`;
    const heading = h("h1", { tabIndex: -1 }, say(title));
    const other = language === "en" ? "fr" : "en";
    const change = h("button", {
      className: "plain",
      type: "button",
      lang: other,
      onclick: () => {
        language = other;
        draw();
      },
    }, say("language"));
    document.getElementById("main").replaceChildren(h("header", {}, heading, change), ...content());
  };
  draw();
  if (focus) document.querySelector("h1").focus();
}

export function showProblem(word) {
  show(() => [h("p", { className: "card error", role: "alert" }, say(word))]);
}

/** @returns The answer, or a word for what went wrong. */
export async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    referrerPolicy: "no-referrer",
    cache: "no-store",
  }).catch(() => null);
  if (answer === null) return { problem: "unreachable" };
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  const seconds = Number(answer.headers.get("retry-after") ?? 0);
  const problems = {
    not_found: "unknown",
    unreachable: "unreachable",
    link_over: content.reason,
    password_wrong: "passwordWrong",
    rate_limited: "passwordPause",
    too_large: "tooLarge",
  };
  const problem = problems[content.code] ?? "busy";
  return { problem: problem in WORDS.en ? problem : "busy", seconds };
}
