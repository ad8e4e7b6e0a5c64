import { createHash } from 'node:crypto';
import { type AdminClient, messageOf } from '../admin-client';
import { GatewayError } from '../gateway-error';
import { DeclarativeDocument, DocumentFormError, type MembershipTable } from './declarative-document';

/** One Kong without a database: it has its own copy of the whole configuration. */
export class DblessNode {
  private known: { hash: string; document: DeclarativeDocument } | undefined;
  /** When POST /config was sent last, by the monotonic clock; milliseconds. */
  postedAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly adminUrl: string,
    private readonly client: AdminClient,
    private readonly table: MembershipTable,
  ) {}

  /**
   * The configuration in force, not to be edited. It is read only when the node's hash is not that of what was read or
   * sent last.
   * @throws GatewayError
   */
  async read(): Promise<DeclarativeDocument> {
    const hash = await this.hash();
    if (this.known && this.known.hash === hash) return this.known.document;
    const { status, body } = await this.client.call('GET', '/config');
    const text = (body as { config?: unknown } | null)?.config;
    if (status !== 200 || typeof text !== 'string') {
      throw new GatewayError(
        'misconfigured',
        `GET /config: ${status} ${messageOf(body)}; the driver kong-dbless needs a Kong with database = off`,
      );
    }
    const document = this.parse(text);
    this.known = hash === undefined ? undefined : { hash, document };
    return document;
  }

  /**
   * Replaces the configuration. It is all or nothing: on 400 the old one stays in force.
   * @throws GatewayError
   */
  async write(document: DeclarativeDocument): Promise<string> {
    const config = document.toText();
    this.known = undefined;
    this.postedAt = performance.now();
    const { status, body } = await this.client.call('POST', '/config?check_hash=1', { config });
    const answer = `POST /config ${status}`;
    if (status !== 201 && status !== 200 && status !== 304) {
      throw new GatewayError('refused', `${answer} ${messageOf(body)}`);
    }
    // Kong's configuration_hash is the MD5 of the text it was sent.
    this.known = { hash: createHash('md5').update(config).digest('hex'), document };
    return answer;
  }

  private async hash(): Promise<string | undefined> {
    const { status, body } = await this.client.call('GET', '/status');
    const hash = (body as { configuration_hash?: unknown } | null)?.configuration_hash;
    return status === 200 && typeof hash === 'string' ? hash : undefined;
  }

  private parse(text: string): DeclarativeDocument {
    try {
      return DeclarativeDocument.parse(text, this.table);
    } catch (error) {
      if (!(error instanceof DocumentFormError)) throw error;
      throw new GatewayError(
        'misconfigured',
        `the configuration cannot be read: ${error.message}`,
        undefined,
        error,
      );
    }
  }
}
