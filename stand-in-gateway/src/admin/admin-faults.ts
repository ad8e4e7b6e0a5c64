import type { IncomingMessage, ServerResponse } from 'node:http';

/** A way in which the Admin API fails, for tests of what depends on it. */
export type AdminFault =
  /** Connections are refused. */
  | { kind: 'down' }
  /** Every answer is late by so many milliseconds. */
  | { kind: 'slow'; delayMs: number }
  /** Every answer is this one. */
  | { kind: 'status'; status: number; body?: unknown; headers?: Readonly<Record<string, string>> }
  /** The connection breaks in the middle of the answer; `isApplied` tells whether the call took effect before. */
  | { kind: 'cut'; isApplied: boolean };

/** The fault in force. */
export class AdminFaults {
  private fault: AdminFault | undefined;
  private readonly waiting = new Set<NodeJS.Timeout>();

  set(fault: AdminFault | undefined): void {
    this.fault = fault;
  }

  /** Lets the fault take the request; true when the request has been dealt with. */
  intercept(request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean> {
    const fault = this.fault;
    switch (fault?.kind) {
      case 'slow':
        return this.delay(fault.delayMs);
      case 'status':
        request.resume();
        response.writeHead(fault.status, {
          'Content-Type': 'application/json; charset=utf-8',
          ...fault.headers,
        });
        response.end(JSON.stringify(fault.body ?? { message: 'An unexpected error occurred' }));
        return true;
      case 'cut':
        if (!fault.isApplied) {
          cut(response, '{"message":"never said to the end"}');
          return true;
        }
        // The call is answered as usual; what goes out is cut.
        response.end = ((body?: string) => {
          cut(response, body ?? '');
          return response;
        }) as ServerResponse['end'];
        return false;
      default:
        return false;
    }
  }

  close(): void {
    for (const timer of this.waiting) clearTimeout(timer);
  }

  private delay(delayMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting.delete(timer);
        resolve(false);
      }, delayMs);
      this.waiting.add(timer);
    });
  }
}

/** Announces the whole answer, sends half of it and breaks the connection; with nothing to halve, only breaks it. */
function cut(response: ServerResponse, body: string): void {
  if (body.length < 2) {
    response.destroy();
    return;
  }
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}
