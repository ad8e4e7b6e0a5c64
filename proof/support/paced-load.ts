import { Agent, request } from 'node:http';

export interface PacedLoad {
  url: string;
  token: string;
  requestsPerSecond: number;
  /** The body of the n-th request, counted from 0: a batch of CloudEvents. */
  bodyOf: (number: number) => string;
  /** Called for each answer. */
  onAnswer: (number: number, status: number, ms: number) => void;
}

/** Requests under way at most; a server that falls behind is seen in the times, not by a heap that grows. */
const maximumUnderWay = 512;

/**
 * Sends requests on a schedule, whatever comes back: a late answer counts from when its request was due, so a pause of the
 * server is not left out of the times.
 */
export const startPacedLoad = (load: PacedLoad): { stop: () => Promise<number> } => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const begun = performance.now();
  let sent = 0;
  let underWay = 0;
  let isStopping = false;
  let idle: (() => void) | undefined;

  const send = (number: number): void => {
    const body = load.bodyOf(number);
    const dueAt = begun + (number * 1_000) / load.requestsPerSecond;
    let isDone = false;
    const done = (status: number): void => {
      if (isDone) return;
      isDone = true;
      underWay -= 1;
      load.onAnswer(number, status, performance.now() - dueAt);
      if (underWay === 0) idle?.();
    };
    underWay += 1;
    const sending = request(
      `${load.url}/api/v1/events`,
      {
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${load.token}`,
          'content-type': 'application/cloudevents-batch+json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        response.resume();
        response.once('close', () => done(response.statusCode ?? 0));
      },
    );
    sending.once('error', () => done(0));
    sending.end(body);
  };

  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - begun) * load.requestsPerSecond) / 1_000);
    while (!isStopping && sent < due && underWay < maximumUnderWay) {
      send(sent);
      sent += 1;
    }
  }, 5);

  return {
    /** Ends after the answers under way; how many requests were sent. */
    stop: async () => {
      isStopping = true;
      clearInterval(timer);
      if (underWay > 0) {
        await new Promise<void>((resolve) => {
          idle = resolve;
        });
      }
      agent.destroy();
      return sent;
    },
  };
};
