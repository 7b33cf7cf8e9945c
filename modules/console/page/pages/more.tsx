/**
 * What has no room at the bottom of a narrow window.
 *
 * @module
 */
import { maySee, PAGE_ICONS, RAIL, TABS } from "../navigation.ts";
import { Icon } from "../parts/icons.tsx";
import { Page } from "../parts/ui.tsx";
import { placeLink } from "../router.ts";
import { t } from "../language.ts";

export function More() {
  return (
    <Page title={t("nav.more")}>
      <ul class="list card">
        {RAIL.filter((name) => !TABS.includes(name) && maySee(name))
          .map((name) => (
            <li key={name}>
              <a class="list-row" href={placeLink(name)}>
                <Icon name={PAGE_ICONS[name]} />
                <span class="grow">{t(`nav.${name}`)}</span>
              </a>
            </li>
          ))}
      </ul>
    </Page>
  );
}
