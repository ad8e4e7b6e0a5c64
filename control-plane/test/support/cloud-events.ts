let next = 0;

/** A CloudEvent of one gateway request; every call gives another id. */
export const cloudEvent = (overrides: Record<string, unknown> = {}): Record<string, unknown> => {
  next += 1;
  return {
    specversion: '1.0',
    id: `event-${process.pid}-${next}`,
    source: 'kong-gateway-1',
    type: 'kong.api_request',
    subject: 'acme-inc',
    time: new Date().toISOString(),
    data: { request_method: 'GET', route_name: 'orders-v1' },
    ...overrides,
  };
};
