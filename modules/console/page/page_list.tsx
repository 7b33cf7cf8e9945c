/**
 * What shows each page.
 *
 * @module
 */
import type { FunctionComponent } from "preact";
import type { PageName } from "./navigation.ts";
import { Audit } from "./pages/audit.tsx";
import { Chats } from "./pages/chats.tsx";
import { Files } from "./pages/files.tsx";
import { Guide } from "./pages/guide.tsx";
import { More } from "./pages/more.tsx";
import { Modules } from "./pages/modules.tsx";
import { Network } from "./pages/network.tsx";
import { People } from "./pages/people.tsx";
import { Security } from "./pages/security.tsx";
import { Settings } from "./pages/settings.tsx";
import { Start } from "./pages/start.tsx";
import type { PageOptions } from "./router.ts";

export const PAGES: Readonly<Record<PageName, FunctionComponent<PageOptions>>> = {
  start: Start,
  guide: Guide,
  chats: Chats,
  people: People,
  files: Files,
  network: Network,
  audit: Audit,
  modules: Modules,
  security: Security,
  settings: Settings,
  more: More,
};
