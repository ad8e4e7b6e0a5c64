import type { DriverOptions } from './drivers/driver-options';
import type { GatewayDriver } from './drivers/gateway-driver';
import { GatewayError } from './drivers/gateway-error';

/** One call of a driver: which, how it ended ("ok", or the error's code), and how long it took. */
export interface DriverCall {
  driver: string;
  call: string;
  outcome: string;
  ms: number;
}

type Drivers = Readonly<Record<string, (options: DriverOptions) => GatewayDriver>>;

const calls = ['probe', 'snapshot', 'find', 'read', 'change'] as const;

/** The same drivers, telling of each call. */
export const observeDrivers = (drivers: Drivers, told: (call: DriverCall) => void): Drivers =>
  Object.fromEntries(
    Object.entries(drivers).map(([name, open]) => [
      name,
      (options: DriverOptions) => observe(name, open(options), told),
    ]),
  );

const observe = (driver: string, inner: GatewayDriver, told: (call: DriverCall) => void): GatewayDriver => {
  const outer: Record<string, unknown> = { limits: inner.limits, readyInMs: () => inner.readyInMs() };
  for (const call of calls) {
    outer[call] = async (...given: unknown[]) => {
      const startedAt = performance.now();
      const end = (outcome: string): void =>
        told({ driver, call, outcome, ms: performance.now() - startedAt });
      try {
        const result = await (inner[call] as (...args: unknown[]) => Promise<unknown>)(...given);
        end('ok');
        return result;
      } catch (error) {
        end(error instanceof GatewayError ? error.code : 'internal');
        throw error;
      }
    };
  }
  return outer as unknown as GatewayDriver;
};
