/**
 * Security: who asks for a confirmation, ways to sign in, who is signed in, and copies of the node's data.
 *
 * @module
 */
import { useState } from "preact/hooks";
import type { ChallengeView } from "../../../../protocol/auth_challenge.ts";
import { ask, post } from "../api.ts";
import { formatDate, formatDuration, formatWhen, shown } from "../format.ts";
import { FactorForm, type FactorOptions } from "../parts/factors.tsx";
import { Form } from "../parts/fields.tsx";
import {
  encodePassphrase,
  NewPassphraseFields,
  useNewPassphrase,
} from "../parts/new_passphrase.tsx";
import { PassphraseForm } from "../parts/passphrase_form.tsx";
import { Badge, Button, Card, Dialog, Loading, Other, Page, useAction } from "../parts/ui.tsx";
import { Name } from "../parts/who.tsx";
import { ownClaims } from "../own_claims.ts";
import { isOwner, readSession, session, signOut } from "../session.ts";
import { browserSessions, challenges, identity } from "../store.ts";
import { t, tx, wordOr } from "../language.ts";
import { FactorsCard } from "./factors_card.tsx";
import { noteBackup } from "./first_steps.tsx";
import { RecoveryPhrase } from "./recovery_phrase.tsx";
import { Restore } from "./restore.tsx";
import { Succession } from "./succession.tsx";

export function Security() {
  const owner = isOwner();
  const own = owner ? identity.want() : null;
  const hasPhrase = own !== null && ownClaims(own).hasPhrase;
  return (
    <Page
      title={t("nav.security")}
      lead={t("security.lead")}
      actions={<Button onClick={() => void signOut()}>{t("security.sign_out")}</Button>}
    >
      {owner && <Challenges />}
      {owner && <FactorsCard />}
      {owner && <Sessions />}
      {owner && <Backup />}
      {owner && (
        <Card title={t("security.phrase")}>
          <RecoveryPhrase />
          {hasPhrase && <Succession />}
        </Card>
      )}
      {owner && (
        <Card title={t("guide.passphrase")}>
          <div class="stack">
            <p class="muted">{t("guide.passphrase_protects")}</p>
            <p class="muted">{t("guide.passphrase_cost")}</p>
            <PassphraseForm />
          </div>
        </Card>
      )}
    </Page>
  );
}

function Challenges() {
  const list = challenges.want()?.challenges ?? [];
  if (list.length === 0) return null;
  return (
    <Card title={t("challenge.title")} tone="warn">
      <ul class="list">{list.map((one) => <ChallengeRow key={one.id} challenge={one} />)}</ul>
    </Card>
  );
}

function ChallengeRow({ challenge }: { challenge: ChallengeView }) {
  const { id, peer, petname, purpose, level, module, expires_at: at } = challenge;
  const [options, setOptions] = useState<FactorOptions | null>(null);
  const action = useAction();
  const answer = async (more: object) => {
    await post("/auth/v1/challenges/answer", { id, ...more });
    setOptions(null);
    await challenges.load();
  };
  const approve = async () => {
    setOptions(
      await post<FactorOptions>("/auth/v1/challenges/options", { id }),
    );
  };
  return (
    <li class="list-row top">
      <div class="grow stack">
        <p>
          {tx("challenge.asks", {
            name: (
              <strong>
                <Name id={peer} petname={petname} />
              </strong>
            ),
          })} <code class="id">{peer}</code>
        </p>
        <blockquote class="quote">
          <Other text={purpose} />
        </blockquote>
        <p class="muted">{tx("challenge.module", { name: <Other text={module} /> })}</p>
        <p class="muted">
          {wordOr(`challenge.level_${level}`, shown(level))} ·{" "}
          {t("challenge.until", { when: formatWhen(at) })}
        </p>
        <p class="hint">{t("challenge.means")}</p>
        <div class="row">
          <Button kind="primary" busy={action.busy} onClick={() => action.run(approve)}>
            {t("challenge.approve")}
          </Button>
          <Button busy={action.busy} onClick={() => action.run(() => answer({ approve: false }))}>
            {t("challenge.refuse")}
          </Button>
        </div>
      </div>
      {options !== null && (
        <Dialog title={t("challenge.title")} onClose={() => setOptions(null)}>
          <blockquote class="quote">
            <Other text={purpose} />
          </blockquote>
          <FactorForm
            options={level === "passkey"
              ? { ...options, totp: false, password: false, recovery: false }
              : options}
            label={t("challenge.approve")}
            submit={(factor) => answer({ approve: true, factor })}
          />
        </Dialog>
      )}
    </li>
  );
}

function Sessions() {
  const view = browserSessions.want();
  const action = useAction();
  const now = session.value;
  const end = (body: object) =>
    action.run(async () => {
      await post("/auth/v1/sessions/end", body);
      await Promise.all([browserSessions.load(), readSession()]);
    }, t("security.ended"));
  if (browserSessions.isMissing) return null;
  return (
    <Card
      title={t("security.sessions")}
      actions={(view?.sessions.length ?? 0) > 1 && isOwner() && (
        <Button
          kind="quiet"
          busy={action.busy}
          onClick={() => end({ all: true })}
        >
          {t("security.end_all")}
        </Button>
      )}
    >
      {view === null ? <Loading of={browserSessions} /> : (
        <ul class="list">
          {view.sessions.map((one) => (
            <li key={one.id} class="list-row">
              <span class="grow two-lines">
                <strong>
                  {one.agent === "" ? t("security.browser") : <Other text={agentName(one.agent)} />}
                </strong>
                <small class="muted">
                  {t("security.seen", { when: formatDate(one.seen_at) })} ·{" "}
                  {one.role === "viewer" ? t("security.viewer") : t("security.owner")}
                </small>
              </span>
              {one.current ? <Badge tone="good">{t("security.this")}</Badge> : isOwner() && (
                <Button
                  kind="quiet"
                  busy={action.busy}
                  onClick={() => end({ id: one.id })}
                >
                  {t("security.end")}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {now !== null && (
        <p class="hint">
          {t("security.ends", { time: formatDuration(Math.max(0, now.ends_at - Date.now())) })}
        </p>
      )}
    </Card>
  );
}

/** What a browser says of itself, in few words. */
function agentName(agent: string): string {
  const [, browser] = /(Firefox|Edg|OPR|Chrome|Safari)\/[\d.]+/.exec(agent) ?? [];
  const [, system] = /\((?:X11; )?([^;)]+)/.exec(agent) ?? [];
  return browser === undefined ? agent.slice(0, 80) : `${browser} – ${system ?? ""}`;
}

function Backup() {
  const [isOpen, setOpen] = useState(false);
  return (
    <Card
      title={t("backup.title")}
      actions={<Button icon="download" onClick={() => setOpen(true)}>{t("backup.make")}</Button>}
    >
      <div class="stack">
        <p>{t("backup.text")}</p>
        <Restore isInUse />
      </div>
      {isOpen && <BackupDialog onClose={() => setOpen(false)} />}
    </Card>
  );
}

function BackupDialog({ onClose }: { onClose: () => void }) {
  const passphrase = useNewPassphrase();
  const action = useAction();
  const make = async () => {
    const answer = await ask("POST", "/admin/v1/backup", {
      passphrase: encodePassphrase(passphrase.text),
    });
    const url = URL.createObjectURL(await answer.blob());
    const link = document.createElement("a");
    link.href = url;
    link.download = `openred-${new Date().toISOString().slice(0, 10)}.backup`;
    link.click();
    URL.revokeObjectURL(url);
    noteBackup();
    onClose();
  };
  return (
    <Dialog title={t("backup.make")} onClose={onClose}>
      <Form
        submit={() => {
          if (passphrase.isReady) action.run(make, t("backup.made"));
        }}
      >
        <NewPassphraseFields
          of={passphrase}
          label={t("backup.passphrase")}
          hint={t("backup.passphrase_hint")}
          required
        />
        <div class="row end">
          <Button kind="quiet" onClick={onClose}>{t("app.cancel")}</Button>
          <Button kind="primary" submit busy={action.busy} disabled={!passphrase.isReady}>
            {t("backup.make")}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
