import type { GatewayDriver } from './gateway-driver';

/** Customers whose changes are prepared and written down together, so that the database is asked a few times for all. */
const customers = 32;

/**
 * Of drivers that make a call for each change: two batches, so that one is prepared or written down while the calls of
 * the other are under way. However many there are, the client's own limit holds for their calls.
 */
export const callByCall: GatewayDriver['limits'] = { concurrency: 2, batch: customers, isOneCall: false };
