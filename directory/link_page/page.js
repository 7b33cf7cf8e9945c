/**
 * The page about a contact link or an invitation. The link stands behind the `#`, and nothing here sends anything.
 *
 * @module
 */
import { languageOf, WORDS } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
/** Modules that readers need around a code. */
const QUIET = 4;
const LINK = /^openred:z[1-9A-HJ-NP-Za-km-z]{40,63}(?:\/[A-Za-z]{1,8}\/[A-Za-z0-9._:-]+)*$/;
const MAX_LENGTH = 2_048;

// The file is one of a package, which has another name where this one is written.
const { default: qrcode } = await import(new URL("qrcode.js", import.meta.url).href);

let language = languageOf(navigator.languages);
let link = null;

function say(word) {
  return WORDS[language][word];
}

/** Makes an element. Children that are `null` are left out. */
function h(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Takes the link from behind the `#`, where it would be seen and remembered; anything else is none. */
function takeLink() {
  const text = location.hash.slice(1);
  link = text.length <= MAX_LENGTH && LINK.test(text) ? text : null;
  history.replaceState(null, "", location.pathname);
}

/** The URL of the directory that serves this page. */
function directoryUrl() {
  return location.origin + location.pathname.replace(/\/i\/$/, "");
}

function copyButton(text) {
  if (navigator.clipboard === undefined) return null;
  const button = h("button", { type: "button" }, say("copy"));
  button.onclick = async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = say("copied");
  };
  return button;
}

function command(text) {
  return h("div", {}, h("code", {}, text), copyButton(text));
}

function drawCode(text) {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  const dark = [];
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      if (code.isDark(row, column)) dark.push(`M${column + QUIET} ${row + QUIET}h1v1h-1z`);
    }
  }
  const size = count + 2 * QUIET;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", say("code"));
  svg.setAttribute("shape-rendering", "crispEdges");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", dark.join(""));
  path.setAttribute("fill", "#000000");
  svg.append(path);
  return svg;
}

function isInvitation() {
  return link !== null && /\/i\//i.test(link);
}

function steps() {
  return [
    h("p", {}, say(isInvitation() ? "invitedIntro" : "contactIntro")),
    h(
      "ol",
      {},
      h("li", {}, say("start"), command(`openred-node run --directories ${directoryUrl()}`)),
      h("li", {}, say("connect"), command(`openred-node connect ${link}`)),
    ),
    h("p", {}, say("scan")),
    drawCode(link),
    h("p", { className: "small" }, say("private")),
  ];
}

function show() {
  const title = say(isInvitation() ? "invited" : "contact");
  const other = language === "en" ? "fr" : "en";
  const change = h("button", { type: "button", lang: other }, say("language"));
  change.onclick = () => {
    language = other;
    show();
  };
  document.documentElement.lang = language;
  document.title = `${title} – OpenRed`;
  const content = link === null
    ? [h("p", { className: "card error", role: "alert" }, say("incomplete"))]
    : steps();
  const header = h("header", {}, h("h1", {}, title), change);
  document.getElementById("main").replaceChildren(header, ...content);
}

addEventListener("hashchange", () => {
  takeLink();
  show();
});
takeLink();
show();
