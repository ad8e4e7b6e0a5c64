import { fork } from 'node:child_process';
import { join } from 'node:path';
import { benchToken, type Service } from '../support/service-process';
import type { StripeLoad, StripeLoadResult } from './stripe-load';

/** What the Stripe bench found, beside our own batches in the same run. */
export interface StripeFigures {
  stream: StripeLoadResult;
  v1: StripeLoadResult;
}

const makeSession = async (port: number): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${port}/v2/billing/meter_event_session`, {
    method: 'POST',
    headers: { authorization: `Bearer ${benchToken}`, 'content-type': 'application/json' },
    body: '{}',
  });
  return ((await response.json()) as { authentication_token: string }).authentication_token;
};

const runLoad = (load: StripeLoad): Promise<StripeLoadResult> =>
  new Promise((resolve, reject) => {
    const child = fork(join(__dirname, 'stripe-load.ts'), { execArgv: ['--import', 'tsx'] });
    child.once('message', (result) => resolve(result as StripeLoadResult));
    child.once('exit', (status) => reject(new Error(`the load generator ended with status ${status}`)));
    child.send(load);
  });

/** The stream at 100 events a request, then single v1 meter events, on a running control plane with the benches' meter. */
export const measureStripe = async (
  service: Service,
  { seconds, warmUpSeconds }: { seconds: number; warmUpSeconds: number },
): Promise<StripeFigures> => {
  const { port } = service;
  const token = await makeSession(port);
  const stream = await runLoad({ port, kind: 'stream', token, connections: 16, seconds, warmUpSeconds });
  const v1 = await runLoad({ port, kind: 'v1', token: benchToken, connections: 64, seconds, warmUpSeconds });
  return { stream, v1 };
};
