/**
 * One certificate from an ACME authority, by the challenge `http-01` (RFC 8555 §7.4, §8.3).
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { AcmeConnection, AcmeError, detailOf } from "./acme_connection.ts";
import {
  type AcmeAuthorization,
  acmeAuthorizationSchema,
  type AcmeOrder,
  acmeOrderSchema,
} from "./acme_schemas.ts";

/** Answers of challenges, by their token. */
export type ChallengeAnswers = Map<string, string>;

const TYPE = "http-01";

/** Orders a certificate for names, and gives its chain as PEM. */
export class CertificateOrder {
  readonly #connection: AcmeConnection;
  readonly #answers: ChallengeAnswers;

  /** @param answers What the web server of the names answers, while the order lasts. */
  constructor(connection: AcmeConnection, answers: ChallengeAnswers) {
    this.#connection = connection;
    this.#answers = answers;
  }

  /**
   * @param request DER.
   * @returns PEM, the server's own certificate first.
   * @throws {AcmeError} Where the authority gives none.
   */
  async run(names: readonly string[], request: Uint8Array): Promise<string> {
    const connection = this.#connection;
    const identifiers = names.map((value) => ({ type: "dns", value }));
    const made = await connection.post(connection.directory.newOrder, { identifiers });
    const url = made.headers.get("location");
    if (url === null || !url.startsWith("https://")) {
      throw new AcmeError("The authority does not say where the order is");
    }
    const order = await connection.get(acmeOrderSchema, url);
    for (const one of order.authorizations) await this.#prove(one);
    await this.#until(url, ["ready", "valid"]);
    await connection.post(order.finalize, { csr: encodeBase64Url(request) });
    const { certificate } = await this.#until(url, ["valid"]);
    if (certificate === undefined) throw new AcmeError("The authority made no certificate");
    const { body } = await connection.post(certificate, null);
    return new TextDecoder().decode(body);
  }

  async #until(url: string, states: readonly string[]): Promise<AcmeOrder> {
    const isOver = ({ status }: AcmeOrder) => status === "invalid" || states.includes(status);
    const order = await this.#connection.poll(acmeOrderSchema, url, isOver);
    if (order.status !== "invalid") return order;
    const why = order.error === undefined ? "" : `: ${detailOf(order.error)}`;
    throw new AcmeError(`The authority refused the order${why}`);
  }

  async #prove(url: string): Promise<void> {
    const connection = this.#connection;
    const found = await connection.get(acmeAuthorizationSchema, url);
    if (found.status === "valid") return;
    const challenge = found.challenges.find(({ type }) => type === TYPE);
    if (challenge?.url === undefined || challenge.token === undefined) {
      throw new AcmeError(`The authority has no challenge ${TYPE} for this name`);
    }
    const { token } = challenge;
    this.#answers.set(token, `${token}.${connection.thumbprint}`);
    try {
      await connection.post(challenge.url, {});
      const isOver = ({ status }: AcmeAuthorization) => status !== "pending";
      const proven = await connection.poll(acmeAuthorizationSchema, url, isOver);
      if (proven.status === "valid") return;
      const error = proven.challenges.find(({ type }) => type === TYPE)?.error;
      const why = error === undefined ? proven.status : detailOf(error);
      throw new AcmeError(`The authority could not see that the name leads here: ${why}`);
    } finally {
      this.#answers.delete(token);
    }
  }
}
