/**
 * The console begins here.
 *
 * @module
 */
import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app.tsx";
import { signedIn } from "./api.ts";
import { keepFocus } from "./focus_keeper.ts";
import { followPlace } from "./router.ts";
import { beginSession } from "./session.ts";
import { forgetAll } from "./store.ts";
import { applyTheme } from "./theme.ts";
import { language } from "./language.ts";

effect(applyTheme);
effect(() => {
  document.documentElement.lang = language.value;
});
effect(() => {
  if (signedIn.value === false) forgetAll();
});
// A page that comes out of the browser's store may show what somebody saw who has signed out since.
addEventListener("pageshow", (event) => {
  if ((event as PageTransitionEvent).persisted) location.reload();
});
// A one-time link may be opened in a window where the console is already.
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#link=")) void beginSession();
});
followPlace();
const root = document.getElementById("app")!;
render(<App />, root);
keepFocus(root);
void beginSession();
