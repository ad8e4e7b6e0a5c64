import { Agent, request } from 'node:http';

/** One consumer's traffic, as its client sees it. */
export interface ConsumerTraffic {
  name: string;
  apiKey: string;
  /** Requests a second. */
  rate: number;
  allowance: number;
  sent: number;
  /** Answers by status. */
  answers: Map<number, number>;
  /** Epoch milliseconds of the first answer of each kind, and of what followed it. */
  firstRefusalAt: number | undefined;
  firstServedAfterRefusalAt: number | undefined;
  failures: number;
}

export const consumerTraffic = (
  name: string,
  apiKey: string,
  rate: number,
  allowance: number,
): ConsumerTraffic => ({
  name,
  apiKey,
  rate,
  allowance,
  sent: 0,
  answers: new Map(),
  firstRefusalAt: undefined,
  firstServedAfterRefusalAt: undefined,
  failures: 0,
});

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

const send = (url: string, traffic: ConsumerTraffic): Promise<void> =>
  new Promise((resolve) => {
    traffic.sent += 1;
    const outgoing = request(
      `${url}/orders/1`,
      { agent, headers: { apikey: traffic.apiKey } },
      (response) => {
        response.resume();
        response.once('end', () => {
          note(traffic, response.statusCode ?? 0);
          resolve();
        });
      },
    );
    outgoing.once('error', () => {
      traffic.failures += 1;
      resolve();
    });
    outgoing.end();
  });

const note = (traffic: ConsumerTraffic, status: number): void => {
  traffic.answers.set(status, (traffic.answers.get(status) ?? 0) + 1);
  if (status === 403) traffic.firstRefusalAt ??= Date.now();
  if (status === 200 && traffic.firstRefusalAt !== undefined)
    traffic.firstServedAfterRefusalAt ??= Date.now();
};

export interface RunningTraffic {
  /** Ends when the last answer is there. */
  stop(): Promise<void>;
}

/** Sends requests through the gateway at each consumer's rate until stopped. */
export const startTraffic = (proxyUrl: string, consumers: readonly ConsumerTraffic[]): RunningTraffic => {
  const underWay = new Set<Promise<void>>();
  const timers = consumers.map((traffic) => {
    const startedAt = performance.now();
    let due = 0;
    return setInterval(() => {
      const wanted = ((performance.now() - startedAt) / 1_000) * traffic.rate;
      for (; due < wanted; due += 1) {
        const one: Promise<void> = send(proxyUrl, traffic).finally(() => underWay.delete(one));
        underWay.add(one);
      }
    }, 5);
  });
  return {
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(underWay);
      agent.destroy();
    },
  };
};
