import type { IncomingMessage, ServerResponse } from 'node:http';

/** Path segments that do not name an id though they stand where one would. */
const fixedSegments = new Set(['plugins', 'validate']);

/** Counts the calls of the Admin API, for tests that no storm of calls breaks out. */
export class AdminCalls {
  private readonly counts = new Map<string, number>();
  private underWay = 0;
  private most = 0;

  get maxConcurrent(): number {
    return this.most;
  }

  /** Notes a call that begins; it ends when its answer is out or its connection gone. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    const key = `${request.method} ${pathPattern(request.url ?? '/')}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    this.underWay += 1;
    this.most = Math.max(this.most, this.underWay);
    response.once('close', () => {
      this.underWay -= 1;
    });
  }

  /** Calls by `METHOD /path/{id}`. */
  byPattern(): Record<string, number> {
    return Object.fromEntries(this.counts);
  }
}

/** `/consumers/alice/acls/gold` becomes `/consumers/{id}/acls/{id}`; Konnect's prefix is left out. */
function pathPattern(url: string): string {
  const path = url.split('?', 1)[0]!.replace(/^\/v2\/control-planes\/[^/]+\/core-entities/, '');
  const segments = path.split('/').filter(Boolean);
  return `/${segments.map((part, index) => (index % 2 === 0 || fixedSegments.has(part) ? part : '{id}')).join('/')}`;
}
