import type { AdminAnswer, AdminRequest } from './admin-answer';
import { notFound } from './admin-answer';

/** What Konnect's control-plane configuration API asks for. */
export interface KonnectSettings {
  /** UUID of the control plane. */
  controlPlaneId: string;
  /** The accepted bearer token. */
  token: string;
  /** Requests that may be under way at the same time; more get 429. No limit when absent. */
  maxConcurrency?: number;
  /** Requests in any one second; more get 429. No limit when absent. */
  requestsPerSecond?: number;
  /** Value of Retry-After on 429, in seconds. Default 1. */
  retryAfterSeconds?: number;
  /** Milliseconds that every answer takes, so that requests overlap as they do over a network. Default 0. */
  answerMs?: number;
  /**
   * Whether adding a member again gets 409 and removing an absent one 404. The specification lists neither, so
   * clients must live with both. Default true.
   */
  isMembershipStrict?: boolean;
}

/** Admits requests to `/v2/control-planes/{id}/core-entities/...` as Konnect does. */
export class KonnectGate {
  private underWay = 0;
  private recent: number[] = [];

  constructor(
    private readonly settings: KonnectSettings,
    private readonly now: () => number,
  ) {}

  /** Answers by way of `next`, with the path relative to the control plane's entities. */
  async pass(
    request: AdminRequest,
    next: (request: AdminRequest) => AdminAnswer | Promise<AdminAnswer>,
  ): Promise<AdminAnswer> {
    const { controlPlaneId, token, answerMs } = this.settings;
    if (request.headers.authorization !== `Bearer ${token}`) {
      return { status: 401, body: { message: 'Unauthorized', status: 401 } };
    }
    if (this.isOverLimit()) return this.tooMany();
    this.underWay += 1;
    try {
      if (answerMs) await new Promise((resolve) => setTimeout(resolve, answerMs));
      const [version, planes, id, entities, ...rest] = request.segments;
      const isHere = version === 'v2' && planes === 'control-planes' && entities === 'core-entities';
      if (!isHere || id !== controlPlaneId) return notFound;
      return await next({ ...request, segments: rest });
    } finally {
      this.underWay -= 1;
    }
  }

  private isOverLimit(): boolean {
    const { maxConcurrency, requestsPerSecond } = this.settings;
    if (maxConcurrency !== undefined && this.underWay >= maxConcurrency) return true;
    if (requestsPerSecond === undefined) return false;
    const now = this.now();
    this.recent = this.recent.filter((time) => time > now - 1000);
    if (this.recent.length >= requestsPerSecond) return true;
    this.recent.push(now);
    return false;
  }

  private tooMany(): AdminAnswer {
    return {
      status: 429,
      body: { message: 'API rate limit exceeded' },
      headers: { 'Retry-After': String(this.settings.retryAfterSeconds ?? 1) },
    };
  }
}
