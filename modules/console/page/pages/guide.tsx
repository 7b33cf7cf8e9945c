/**
 * The first-run guide: what makes a new node one's own, one thing after the other.
 *
 * @module
 */
import type { FunctionComponent } from "preact";
import { PassphraseForm } from "../parts/passphrase_form.tsx";
import { RelayBadge, RelayNote } from "../parts/relay_note.tsx";
import { DirectoriesForm, NameForm, RelayForm } from "../parts/setting_forms.tsx";
import { Card, LinkButton, Page } from "../parts/ui.tsx";
import { type PageOptions, placeLink } from "../router.ts";
import { invitations, status } from "../store.ts";
import { t } from "../language.ts";
import { ConnectCard, OwnLink } from "./connect.tsx";
import { NewInvitationCard } from "./invite.tsx";
import { FactorsCard } from "./factors_card.tsx";
import { RecoveryPhrase } from "./recovery_phrase.tsx";
import { Restore } from "./restore.tsx";

const STEPS = ["name", "passphrase", "entry", "phrase", "found", "friend"] as const;
type Step = typeof STEPS[number];

const SHOWN: Readonly<Record<Step, FunctionComponent>> = {
  name: NameStep,
  passphrase: PassphraseStep,
  entry: EntryStep,
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
      {at === 0 && <FormerNode />}
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

function NameStep() {
  return (
    <Card>
      <div class="stack">
        <p>{t("guide.name_text")}</p>
        <NameForm />
      </div>
    </Card>
  );
}

/** For whoever had a node before: all that comes after it stands in its backup. */
function FormerNode() {
  const isInUse = status.want()?.peers.some(({ standing }) => standing === "allowed") ?? true;
  return (
    <Card title={t("restore.guide")}>
      <Restore isInUse={isInUse} />
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
        <PassphraseForm />
      </div>
    </Card>
  );
}

function EntryStep() {
  return (
    <>
      <p class="lead">{t("guide.entry_text")}</p>
      <FactorsCard />
    </>
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
  const relay = status.want()?.relay;
  return (
    <div class="columns">
      <Card title={t("network.directories")}>
        <div class="stack">
          <p>{t("guide.directory_text")}</p>
          <DirectoriesForm />
        </div>
      </Card>
      <Card title={t("relay.title")}>
        <div class="stack">
          <p>{t("guide.relay_text")}</p>
          {relay === null && <p>{t("relay.none")}</p>}
          {relay != null && (
            <p>
              <RelayBadge relay={relay} /> <RelayNote relay={relay} />
            </p>
          )}
          <RelayForm />
        </div>
      </Card>
    </div>
  );
}

function FriendStep() {
  invitations.want();
  return (
    <>
      <p class="lead">{t("guide.friend_text")}</p>
      <div class="columns">
        {invitations.isMissing ? <OwnLink /> : <NewInvitationCard />}
        <ConnectCard />
      </div>
    </>
  );
}
