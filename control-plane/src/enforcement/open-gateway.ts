import type { DriverOptions } from './drivers/driver-options';
import type { GatewayDriver } from './drivers/gateway-driver';
import { GatewayError } from './drivers/gateway-error';
import type { Gateway } from './gateway';

/** `${env:NAME}`: only names meant for gateways, so that no other secret of the process can be sent to an address. */
export const tokenReference = /^\$\{env:((?:KONG|KONNECT|TOLLGATE_GATEWAY)_[A-Z0-9_]{1,100})\}$/;

/** Opens the driver of a gateway. A token that is not in the environment is a failure of each call, told as such. */
export const openGateway = (
  { driver, settings }: Gateway,
  drivers: Readonly<Record<string, (options: DriverOptions) => GatewayDriver>>,
  secretOf: (name: string) => string | undefined,
  now: () => number,
): GatewayDriver => {
  const open = drivers[driver];
  if (!open) throw new Error(`no driver "${driver}"`);
  const name = settings.token === null ? undefined : tokenReference.exec(settings.token)?.[1];
  const token = name === undefined ? undefined : secretOf(name);
  if (settings.token !== null && !token) return withoutToken(settings.token);
  return open({
    adminUrls: settings.adminUrls,
    token,
    workspace: settings.workspace ?? undefined,
    controlPlaneId: settings.controlPlaneId ?? undefined,
    timeoutMs: settings.timeoutMs,
    concurrency: settings.concurrency,
    now,
  });
};

const withoutToken = (reference: string): GatewayDriver => {
  const refuse = async (): Promise<never> => {
    throw new GatewayError('unauthorized', `${reference} is not set in the control plane's environment`);
  };
  return {
    limits: { concurrency: 1, batch: 1, isOneCall: true },
    readyInMs: () => 0,
    probe: refuse,
    snapshot: refuse,
    find: refuse,
    read: refuse,
    change: refuse,
  };
};
