/**
 * The audit log: what happened, and whether nobody changed it.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks";
import type {
  AuditEntryView,
  AuditProblem,
  AuditReport,
  AuditVerifyLine,
  AuditView,
} from "../../../../protocol/audit_api.ts";
import { AUDIT_EVENTS } from "../../../../protocol/audit_events.ts";
import { ApiError, ask, get } from "../api.ts";
import { formatDate, formatNumber, shown } from "../format.ts";
import { SelectField } from "../parts/fields.tsx";
import { Badge, Button, Card, errorText, Loading, Page, Progress, Table } from "../parts/ui.tsx";
import { plainName } from "../parts/who.tsx";
import { peers } from "../store.ts";
import { t } from "../language.ts";

const LIMIT = "200";
const HOUR_MS = 3_600_000;
const SPANS = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS } as const;
type Span = keyof typeof SPANS | "all";

export function Audit() {
  const [event, setEvent] = useState("");
  const [peer, setPeer] = useState("");
  const [span, setSpan] = useState<Span>("day");
  const [onlyFailed, setOnlyFailed] = useState(false);
  const [view, setView] = useState<AuditView | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const people = peers.want()?.peers ?? [];
  const query = {
    limit: LIMIT,
    ...(event === "" ? {} : { event }),
    ...(peer === "" ? {} : { peer }),
    ...(onlyFailed ? { failed: "1" } : {}),
  };
  useEffect(() => {
    let isShown = true;
    const since = span === "all" ? {} : { since: String(Date.now() - SPANS[span]) };
    get<AuditView>("/admin/v1/audit", { ...query, ...since }).then(
      (answer) => {
        if (!isShown) return;
        setView(answer);
        setFailure(null);
      },
      (error) => isShown && setFailure(error),
    );
    return () => isShown = false;
  }, [event, peer, span, onlyFailed]);
  return (
    <Page title={t("nav.audit")} lead={t("audit.lead")} wide>
      <Verify />
      <Card>
        <div class="filters">
          <SelectField label={t("audit.event")} value={event} onChange={setEvent}>
            <option value="">{t("audit.all")}</option>
            {AUDIT_EVENTS.map((name) => <option key={name} value={name}>{name}</option>)}
          </SelectField>
          <SelectField label={t("audit.person")} value={peer} onChange={setPeer}>
            <option value="">{t("audit.all")}</option>
            {people.map(({ node_id: id, petname }) => (
              <option key={id} value={id}>{shown(plainName(id, petname))}</option>
            ))}
          </SelectField>
          <SelectField
            label={t("audit.time")}
            value={span}
            onChange={(one) => setSpan(one as Span)}
          >
            {(["hour", "day", "week", "all"] as const).map((one) => (
              <option key={one} value={one}>{t(`audit.span_${one}`)}</option>
            ))}
          </SelectField>
          <label class="check">
            <input
              type="checkbox"
              checked={onlyFailed}
              onChange={({ currentTarget }) => setOnlyFailed(currentTarget.checked)}
            />
            <span>{t("audit.only_failed")}</span>
          </label>
        </div>
        {failure !== null
          ? <p class="failure" role="alert">{errorText(failure)}</p>
          : view === null
          ? <Loading />
          : view.entries.length === 0
          ? <p class="muted">{t("audit.none")}</p>
          : <Entries entries={view.entries} />}
      </Card>
    </Page>
  );
}

const KNOWN_FIELDS = new Set(["number", "timestamp", "event", "node_id", "success"]);

function Entries({ entries }: { entries: readonly AuditEntryView[] }) {
  return (
    <Table
      label={t("nav.audit")}
      heads={[
        t("audit.number"),
        t("audit.when"),
        t("audit.event"),
        t("audit.result"),
        t("audit.more"),
      ]}
    >
      {entries.toReversed().map((entry) => (
        <tr key={entry.number}>
          <td>{entry.number}</td>
          <td class="nowrap">{formatDate(entry.timestamp)}</td>
          <td>
            <code>{entry.event}</code>
          </td>
          <td>
            {entry.success
              ? <Badge tone="good">{t("audit.ok")}</Badge>
              : <Badge tone="bad">{t("audit.failed")}</Badge>}
          </td>
          <td class="fields">
            {Object.entries(entry).filter(([name]) => !KNOWN_FIELDS.has(name)).map((
              [name, value],
            ) => (
              <span key={name}>
                {name}: <bdi>{shown(String(value))}</bdi>
              </span>
            ))}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Verify() {
  const [report, setReport] = useState<AuditReport | null>(null);
  const [progress, setProgress] = useState<{ checked: number; total: number } | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const verify = async () => {
    setReport(null);
    setFailure(null);
    setProgress({ checked: 0, total: 1 });
    try {
      const answer = await ask("GET", "/admin/v1/audit/verify");
      let rest = "";
      for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines.filter((one) => one !== "")) {
          const said = JSON.parse(line) as AuditVerifyLine;
          if ("report" in said) setReport(said.report);
          else setProgress(said);
        }
      }
      if (rest !== "") setReport((JSON.parse(rest) as { report: AuditReport }).report);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFailure(errorText(error));
    } finally {
      setProgress(null);
    }
  };
  return (
    <Card
      title={t("audit.verify_title")}
      actions={
        <Button kind="primary" busy={progress !== null} onClick={() => void verify()}>
          {t("audit.verify")}
        </Button>
      }
    >
      <div role="status">
        {progress !== null && (
          <Progress done={progress.checked} of={progress.total} label={t("audit.verifying")} />
        )}
        {report === null && progress === null && failure === null && (
          <p class="muted">{t("audit.verify_text")}</p>
        )}
        {failure !== null && <p class="failure">{failure}</p>}
        {report !== null && (
          <p class={report.problem === null ? "good-text" : "failure"}>
            {report.problem === null
              ? t("audit.holds", { lines: formatNumber(report.lines) })
              : problemText(report.problem)}
          </p>
        )}
        {report !== null && (
          <p class="hint">
            {t("audit.head")} <code class="breakable">{report.head.number}:{report.head.hash}</code>
          </p>
        )}
      </div>
    </Card>
  );
}

function problemText({ kind, line }: AuditProblem): string {
  const text = t(`audit.problem_${kind}`, line === null ? {} : { line });
  return `${t("audit.broken")} ${text}`;
}
