import { Agent, request } from 'node:http';

/** One cut-off as the consumer's client saw it. */
export interface Trial {
  /** From the answer to the request that used the last unit to the first refusal, milliseconds. */
  cutoffMs: number;
  /** Requests served beyond the allowance. */
  overshoot: number;
  /** Requests that got neither 200 nor 403. */
  broken: number;
  /** When the last unit was used and when the first request was refused, epoch milliseconds. */
  lastUnitAt: number;
  refusedAt: number;
}

export interface TrialOptions {
  proxyUrl: string;
  apiKey: string;
  allowance: number;
  /** Requests a second. */
  rate: number;
  limitMs: number;
}

/** Sends requests of one consumer at a steady rate until the first is refused. */
export const runTrial = async ({
  proxyUrl,
  apiKey,
  allowance,
  rate,
  limitMs,
}: TrialOptions): Promise<Trial> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let served = 0;
  let lastUnitAt: number | undefined;
  let refusedAt: number | undefined;
  let broken = 0;
  const underWay = new Set<Promise<void>>();
  const send = (): Promise<void> =>
    new Promise((resolve) => {
      const outgoing = request(`${proxyUrl}/orders`, { agent, headers: { apikey: apiKey } }, (response) => {
        const at = performance.now();
        if (response.statusCode === 403) refusedAt ??= at;
        else if (response.statusCode === 200) {
          served += 1;
          if (served === allowance) lastUnitAt = at;
        } else broken += 1;
        response.resume();
        response.once('end', resolve);
      });
      // A kept connection may be closed while a request is on its way; the request is then not served.
      outgoing.once('error', () => {
        broken += 1;
        resolve();
      });
      outgoing.end();
    });
  const begun = performance.now();
  for (let sent = 0; refusedAt === undefined; sent += 1) {
    const due = begun + (sent * 1_000) / rate;
    const now = performance.now();
    if (now - begun > limitMs)
      throw new Error(`not cut off within ${limitMs} ms, ${served} requests served, ${broken} broken`);
    if (due > now) await new Promise((resolve) => setTimeout(resolve, due - now));
    const one: Promise<void> = send().finally(() => underWay.delete(one));
    underWay.add(one);
  }
  await Promise.all(underWay);
  agent.destroy();
  // Refused before the last unit's answer was read: the cut-off overtook it.
  return {
    cutoffMs: Math.max(0, refusedAt - (lastUnitAt ?? refusedAt)),
    overshoot: Math.max(0, served - allowance),
    broken,
    lastUnitAt: performance.timeOrigin + (lastUnitAt ?? refusedAt),
    refusedAt: performance.timeOrigin + refusedAt,
  };
};
