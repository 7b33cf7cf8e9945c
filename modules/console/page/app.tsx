/**
 * The frame around all pages: where to go, who asks for factors, and what was just done.
 *
 * @module
 */
import { useEffect, useRef } from "preact/hooks";
import { reachable, signedIn } from "./api.ts";
import { isPageName, maySee, PAGE_ICONS, type PageName, RAIL, TABS } from "./navigation.ts";
import { PAGES } from "./page_list.tsx";
import { Icon } from "./parts/icons.tsx";
import { StepUp } from "./parts/step_up.tsx";
import { Loading, Notices, Page } from "./parts/ui.tsx";
import { Becoming, becoming } from "./pages/becoming.tsx";
import { SignIn } from "./pages/sign_in.tsx";
import { place, placeLink } from "./router.ts";
import { isOwner } from "./session.ts";
import { challenges, conversations, openOffers, requests } from "./store.ts";
import { t } from "./language.ts";

/** How much waits for somebody behind a link of the frame. */
function waiting(page: PageName): number {
  if (!isOwner()) return 0;
  switch (page) {
    case "chats":
      return conversations.want()?.conversations.reduce((sum, { unread }) => sum + unread, 0) ?? 0;
    case "files":
      return openOffers().length;
    case "people":
      return requests.want()?.requests.length ?? 0;
    case "security":
      return challenges.want()?.challenges.length ?? 0;
    default:
      return 0;
  }
}

/** The page that is shown: home for an address that names none. */
function shownPage(): PageName {
  const { page } = place.value;
  return isPageName(page) ? page : "start";
}

function NavLink({ name }: { name: PageName }) {
  // The guide is no place of its own: it is begun at home.
  const page = shownPage() === "guide" ? "start" : shownPage();
  const isCurrent = page === name || (name === "more" && !TABS.includes(page));
  const count = waiting(name);
  return (
    <a
      href={placeLink(name)}
      class="nav-link"
      {...(isCurrent ? { "aria-current": "page" as const } : {})}
    >
      <Icon name={PAGE_ICONS[name]} size={22} />
      <span class="nav-text">{t(`nav.${name}`)}</span>
      {count > 0 && (
        <span class="count">
          {count > 99 ? "99+" : count}
          <span class="unseen">{t("nav.waiting")}</span>
        </span>
      )}
    </a>
  );
}

function ForOwners() {
  return (
    <Page title={t("viewer.title")}>
      <p>{t("viewer.text")}</p>
    </Page>
  );
}

function Frame() {
  const main = useRef<HTMLElement>(null);
  const { item } = place.value;
  const name = shownPage();
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${t(`nav.${name}`)} – OpenRed`;
    // The focus follows where somebody goes, but is not taken when the page is first opened.
    const headings = [...main.current?.querySelectorAll("h1") ?? []];
    if (!isFirst.current) headings.findLast((one) => one.offsetParent !== null)?.focus();
    isFirst.current = false;
    scrollTo(0, 0);
  }, [name, item]);
  const Shown = maySee(name) ? PAGES[name] : ForOwners;
  return (
    <div class={`frame page-${name}${item === "" ? "" : " with-item"}`}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t("app.skip")}
      </a>
      <nav class="rail" aria-label={t("nav.label")}>
        <a class="brand" href={placeLink("start")}>
          <img src="icon.svg" alt="" width="32" height="32" />
          <span>OpenRed</span>
        </a>
        <div class="rail-links">
          {RAIL.filter(maySee).map((one) => <NavLink key={one} name={one} />)}
        </div>
      </nav>
      <main id="main" ref={main} tabIndex={-1} key={`${name} ${item}`}>
        {!reachable.value && <p class="banner" role="alert">{t("app.offline")}</p>}
        <Shown item={item} />
      </main>
      <nav class="tabs" aria-label={t("nav.label")}>
        {TABS.filter(maySee).map((one) => <NavLink key={one} name={one} />)}
      </nav>
    </div>
  );
}

export function App() {
  if (becoming.value !== null) return <Becoming next={becoming.value} />;
  return (
    <>
      {signedIn.value === null
        ? (
          <main class="centre">
            {reachable.value ? <Loading /> : <p class="banner" role="alert">{t("app.offline")}</p>}
          </main>
        )
        : signedIn.value
        ? <Frame />
        : <SignIn />}
      <StepUp />
      <Notices />
    </>
  );
}
