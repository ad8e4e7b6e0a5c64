import type { Clock } from '../primitives/clock';
import type { IdentifierSource } from '../primitives/identifiers';
import { readEachSparingly } from '../primitives/read-sparingly';
import { conflict, invalid, notFound } from '../primitives/refusal';
import { type Database, isUniqueViolation, type Transaction } from '../storage';
import type { AccessPolicy } from './access-policy';
import type { Gateway } from './gateway';
import {
  deleteGateway,
  findGateway,
  type GatewayWithHealth,
  insertGateway,
  listGateways,
  updateGateway,
} from './gateway-store';
import {
  type AccessHold,
  endHold,
  endHoldsFor,
  findCustomerId,
  type HoldFilter,
  insertHold,
  listHolds,
} from './hold-store';
import { type LogFilter, readLog } from './log-store';
import { tokenReference } from './open-gateway';
import { deletePolicy, findPolicy, listPolicies, type PolicyFilter, savePolicy } from './policy-store';
import { countAccessStates, readAccessStates, type StateFilter, type StateOrder } from './state-store';
import { requestAccess, requestAllOfFeature } from './task-store';

export type GatewayInput = Pick<Gateway, 'key' | 'name' | 'driver' | 'settings'>;
export type PolicyInput = Pick<AccessPolicy, 'featureKey' | 'leave' | 'join' | 'mode'> & { gateway: string };
export type HoldInput = Pick<AccessHold, 'featureKey' | 'kind' | 'reason' | 'endsAt' | 'createdBy'> & {
  customer: string;
};

export interface AdministrationOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
  /** The gateway has work. */
  wake: (gatewayId: string) => void;
  /** The list of gateways or one of them changed. */
  refresh: () => void;
}

export type AccessAdministration = ReturnType<typeof createAccessAdministration>;

/** A filter in which gateway and customer are named by id or key. */
type NamedFilter<Filter> = Omit<Filter, 'gatewayId' | 'customerId'> & {
  gateway?: string | undefined;
  customer?: string | undefined;
};

/** What people decide about access: gateways, policies, holds. Every change makes the customers concerned due in its transaction. */
export const createAccessAdministration = (options: AdministrationOptions) => {
  const { database, clock, newId, wake, refresh } = options;

  const gatewayOf = async (idOrKey: string): Promise<GatewayWithHealth> => {
    const gateway = await findGateway(database, idOrKey);
    if (!gateway) throw notFound('gateway', idOrKey);
    return gateway;
  };

  const policyOf = async (id: string): Promise<AccessPolicy> => {
    const policy = await findPolicy(database, id);
    if (!policy) throw notFound('access policy', id);
    return policy;
  };

  const customerOf = async (idOrKey: string): Promise<string> => {
    const id = await findCustomerId(database, idOrKey);
    if (!id) throw notFound('customer', idOrKey);
    return id;
  };

  /** Those of customers that were deleted stay in the log under their ids. */
  const loggedCustomerOf = async (idOrKey: string): Promise<string> =>
    (await findCustomerId(database, idOrKey)) ?? idOrKey;

  const store = async (policy: AccessPolicy, cause: string): Promise<AccessPolicy> => {
    await refuseTaken(
      'access_policy_exists',
      'the feature has an access policy on this gateway already',
      () =>
        database.transaction(async (transaction) => {
          await savePolicy(transaction, policy);
          await requestAllOfFeature(transaction, policy.featureKey, policy.gatewayId, cause, clock.now());
          transaction.afterCommit(() => wake(policy.gatewayId));
        }),
    );
    return policy;
  };

  const requestFor = async (transaction: Transaction, hold: AccessHold, cause: string) => {
    const { customerId, featureKey } = hold;
    const gateways = await requestAccess(transaction, [{ customerId, featureKey, cause }], clock.now());
    transaction.afterCommit(() => gateways.forEach(wake));
  };

  const counts = readEachSparingly(
    (filter: Omit<StateFilter, 'status'>) => countAccessStates(database, filter),
    { minimumAgeMs: 2_000 },
  );

  return {
    listGateways: () => listGateways(database),
    findGateway: gatewayOf,
    createGateway: async (input: GatewayInput): Promise<GatewayWithHealth> => {
      checkSettings(input);
      const now = clock.now();
      const gateway = { ...input, id: newId(), createdAt: now, updatedAt: now };
      await refuseTaken('gateway_exists', `there is a gateway "${input.key}" already`, () =>
        database.transaction((transaction) => insertGateway(transaction, gateway)),
      );
      refresh();
      return gatewayOf(gateway.id);
    },
    updateGateway: async (idOrKey: string, input: GatewayInput): Promise<GatewayWithHealth> => {
      checkSettings(input);
      const before = await gatewayOf(idOrKey);
      // Strictly later, since lanes are opened anew by this time.
      const updatedAt = Math.max(clock.now(), before.updatedAt + 1);
      await refuseTaken('gateway_exists', `there is a gateway "${input.key}" already`, () =>
        updateGateway(database, { ...before, ...input, updatedAt }),
      );
      refresh();
      return gatewayOf(before.id);
    },
    deleteGateway: async (idOrKey: string): Promise<void> => {
      const { id, key } = await gatewayOf(idOrKey);
      if (!(await deleteGateway(database, id))) {
        throw conflict('gateway_in_use', `access policies name the gateway "${key}"; delete them first`);
      }
      refresh();
    },

    listPolicies: async (filter: { featureKey?: string | undefined; gateway?: string | undefined }) => {
      const gatewayId = filter.gateway === undefined ? undefined : (await gatewayOf(filter.gateway)).id;
      return listPolicies(database, { featureKey: filter.featureKey, gatewayId } satisfies PolicyFilter);
    },
    findPolicy: policyOf,
    createPolicy: async ({ gateway, ...input }: PolicyInput): Promise<AccessPolicy> => {
      checkGroups(input);
      const { id: gatewayId } = await gatewayOf(gateway);
      const now = clock.now();
      return store({ ...input, id: newId(), gatewayId, createdAt: now, updatedAt: now }, 'policy');
    },
    updatePolicy: async (id: string, { gateway, ...input }: PolicyInput): Promise<AccessPolicy> => {
      checkGroups(input);
      const before = await policyOf(id);
      const { id: gatewayId } = await gatewayOf(gateway);
      return store({ ...before, ...input, gatewayId, updatedAt: clock.now() }, 'policy');
    },
    deletePolicy: async (id: string): Promise<void> => {
      if (!(await deletePolicy(database, id))) throw notFound('access policy', id);
    },

    /** The id under which the log has a customer. */
    customerIdOf: loggedCustomerOf,
    readLog: async (
      { gateway, customer, ...filter }: NamedFilter<LogFilter>,
      before: string | undefined,
      limit: number,
    ) => {
      const gatewayId = gateway === undefined ? undefined : (await gatewayOf(gateway)).id;
      const customerId = customer === undefined ? undefined : await loggedCustomerOf(customer);
      return readLog(database, { ...filter, gatewayId, customerId }, before, limit);
    },
    readStates: async (
      { gateway, ...filter }: Omit<StateFilter, 'gatewayId'> & { gateway?: string | undefined },
      order: StateOrder,
      cursor: string | undefined,
      limit: number,
    ) => {
      const gatewayId = gateway === undefined ? undefined : (await gatewayOf(gateway)).id;
      return readAccessStates(database, { ...filter, gatewayId }, order, cursor, limit, clock.now());
    },
    countStates: async ({
      gateway,
      ...filter
    }: Omit<StateFilter, 'gatewayId' | 'status'> & { gateway?: string | undefined }) => {
      const gatewayId = gateway === undefined ? undefined : (await gatewayOf(gateway)).id;
      return counts({ ...filter, gatewayId });
    },

    listHolds: (filter: HoldFilter, before: string | undefined, limit: number) =>
      listHolds(database, filter, before, limit),
    createHold: async ({ customer, ...input }: HoldInput): Promise<AccessHold> => {
      const now = clock.now();
      if (input.endsAt !== null && input.endsAt <= now) {
        throw invalid('validation_failed', 'endsAt is in the past', [
          { code: 'past', field: '$.endsAt', message: 'must be in the future' },
        ]);
      }
      const customerId = await customerOf(customer);
      const hold: AccessHold = { ...input, customerId, id: newId(), endedAt: null, createdAt: now };
      await database.transaction(async (transaction) => {
        await endHoldsFor(transaction, customerId, input.featureKey, now);
        await insertHold(transaction, hold);
        await requestFor(transaction, hold, input.kind);
      });
      return hold;
    },
    endHold: async (id: string): Promise<AccessHold> => {
      const ended = await database.transaction(async (transaction) => {
        const hold = await endHold(transaction, id, clock.now());
        if (hold) await requestFor(transaction, hold, `${hold.kind}_ended`);
        return hold;
      });
      if (!ended) throw notFound('hold in force', id);
      return ended;
    },
  };
};

const refuseTaken = async (code: string, message: string, write: () => Promise<void>): Promise<void> => {
  try {
    await write();
  } catch (error) {
    if (isUniqueViolation(error)) throw conflict(code, message);
    throw error;
  }
};

const checkGroups = ({ leave, join }: Pick<AccessPolicy, 'leave' | 'join'>): void => {
  if (leave.length + join.length === 0) {
    throw invalid('validation_failed', 'an access policy needs at least one group in leave or join', [
      { code: 'required', field: '$.leave', message: 'name the groups that give access' },
    ]);
  }
  const both = leave.find((group) => join.includes(group));
  if (both !== undefined) {
    throw invalid('validation_failed', `the group "${both}" cannot be both left and joined`, [
      { code: 'contradiction', field: '$.join', message: `remove "${both}" here or in leave` },
    ]);
  }
};

const checkSettings = ({ driver, settings }: GatewayInput): void => {
  const refuse = (field: string, message: string) => {
    throw invalid('validation_failed', `${field}: ${message}`, [
      { code: 'invalid', field: `$.${field}`, message },
    ]);
  };
  if (settings.adminUrls.length > 1 && driver !== 'kong-dbless') {
    refuse('adminUrls', 'only the driver kong-dbless takes several nodes; give one address');
  }
  for (const [index, text] of settings.adminUrls.entries()) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || !/^https?:$/.test(url.protocol))
      refuse(`adminUrls[${index}]`, 'must be an http or https address');
    if (url?.username || url?.password) {
      refuse(`adminUrls[${index}]`, 'must hold no credentials; name where the token is found in "token"');
    }
  }
  if (settings.token !== null && !tokenReference.test(settings.token)) {
    refuse(
      'token',
      `must name an environment variable as "$\{env:NAME}", where NAME begins with KONG_, KONNECT_ or TOLLGATE_GATEWAY_`,
    );
  }
  if (driver === 'konnect' && settings.controlPlaneId === null) {
    refuse('controlPlaneId', 'the driver konnect needs the id of the control plane');
  }
  if (driver === 'konnect' && settings.token === null) {
    refuse('token', `the driver konnect needs a token, as "$\{env:KONNECT_TOKEN}"`);
  }
};
