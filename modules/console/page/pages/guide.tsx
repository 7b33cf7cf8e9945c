/**
 * The first-run guide: what makes a new node one's own, one thing after the other.
 *
 * @module
 */
import type { ComponentChildren, FunctionComponent } from "preact";
import { shown } from "../format.ts";
import { ownClaims } from "../own_claims.ts";
import { RelayBadge, RelayNote } from "../parts/relay_note.tsx";
import { Badge, Card, LinkButton, Loading, Other, Page } from "../parts/ui.tsx";
import { type PageOptions, placeLink } from "../router.ts";
import { identity, invitations, status } from "../store.ts";
import { t, tx } from "../language.ts";
import { ConnectCard, OwnLink } from "./connect.tsx";
import { NewInvitationCard } from "./invite.tsx";
import { RecoveryPhrase } from "./recovery_phrase.tsx";

const STEPS = ["name", "passphrase", "phrase", "found", "friend"] as const;
type Step = typeof STEPS[number];

const SHOWN: Readonly<Record<Step, FunctionComponent>> = {
  name: NameStep,
  passphrase: PassphraseStep,
  phrase: PhraseStep,
  found: FoundStep,
  friend: FriendStep,
};

export function Guide({ item }: PageOptions) {
  const at = Math.max(0, STEPS.findIndex((step) => step === item));
  const Shown = SHOWN[STEPS[at]!];
  const next = STEPS[at + 1];
  return (
    <Page
      title={t(`guide.${STEPS[at]!}`)}
      lead={t("guide.step", { at: at + 1, of: STEPS.length })}
    >
      <Shown />
      <nav class="row" aria-label={t("nav.guide")}>
        {at > 0 && (
          <LinkButton href={placeLink("guide", STEPS[at - 1]!)}>{t("guide.back")}</LinkButton>
        )}
        {next === undefined
          ? <LinkButton kind="primary" href={placeLink("start")}>{t("guide.end")}</LinkButton>
          : (
            <LinkButton kind="primary" href={placeLink("guide", next)}>
              {t("guide.next")}
            </LinkButton>
          )}
      </nav>
    </Page>
  );
}

/** What is done where the node is started. */
function Command({ children }: { children: ComponentChildren }) {
  return <pre class="command" tabIndex={0}><code>{children}</code></pre>;
}

function NameStep() {
  const own = identity.want();
  if (own === null) return <Loading />;
  const { alias } = ownClaims(own);
  return (
    <Card>
      <div class="stack">
        <p>
          {alias === null ? t("guide.no_name") : tx("guide.has_name", {
            name: (
              <strong>
                <Other text={alias} />
              </strong>
            ),
          })}
        </p>
        <p class="muted">{t("guide.name_text")}</p>
        <p class="muted">{t("guide.name_command")}</p>
        <Command>openred-node run --alias Alice</Command>
      </div>
    </Card>
  );
}

function PassphraseStep() {
  return (
    <Card>
      <div class="stack">
        <p>{t("guide.passphrase_protects")}</p>
        <p class="muted">{t("guide.passphrase_not")}</p>
        <p class="muted">{t("guide.passphrase_cost")}</p>
        <p>{t("guide.passphrase_command")}</p>
        <Command>openred-node passphrase set</Command>
      </div>
    </Card>
  );
}

function PhraseStep() {
  return (
    <Card>
      <RecoveryPhrase />
    </Card>
  );
}

function FoundStep() {
  const now = status.want();
  if (now === null) return <Loading />;
  const { directories, relay } = now;
  return (
    <div class="columns">
      <Card title={t("network.directories")}>
        <div class="stack">
          <p>{t("guide.directory_text")}</p>
          {directories.length === 0 && <p>{t("start.no_directory")}</p>}
          <ul class="list">
            {directories.map(({ url, state }) => (
              <li key={url} class="list-row">
                <span class="grow breakable">{shown(url)}</span>
                <Badge tone={state === "registered" ? "good" : "warn"}>
                  {t(`directory.${state}`)}
                </Badge>
              </li>
            ))}
          </ul>
          <p class="muted">{t("guide.directory_command")}</p>
          <Command>openred-node run --directories URL</Command>
        </div>
      </Card>
      <Card title={t("relay.title")}>
        <div class="stack">
          <p>{t("guide.relay_text")}</p>
          {relay === null ? <p>{t("relay.none")}</p> : (
            <p>
              <RelayBadge relay={relay} /> <RelayNote relay={relay} />
            </p>
          )}
          <p class="muted">{t("guide.relay_command")}</p>
          <Command>openred-node run --relay URL</Command>
        </div>
      </Card>
    </div>
  );
}

function FriendStep() {
  invitations.want();
  const canInvite = invitations.error.value?.code !== "not_found";
  return (
    <>
      <p class="lead">{t("guide.friend_text")}</p>
      <div class="columns">
        {canInvite ? <NewInvitationCard /> : <OwnLink />}
        <ConnectCard />
      </div>
    </>
  );
}
