/** The JSON that `kong.log.serialize()` returns for a request that reached the upstream; ids must be unique. */
export function logEntry(id: string, changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    request: {
      id,
      method: 'GET',
      uri: '/orders/1?apikey=in-the-query',
      url: 'http://gateway.test:8000/orders/1?apikey=in-the-query',
      size: 127,
      querystring: { apikey: 'in-the-query', plan: 'gold' },
      headers: {
        host: 'gateway.test:8000',
        'user-agent': 'test/1',
        apikey: 'alice-key',
        'x-tenant-id': 't-1',
      },
    },
    response: { status: 200, size: 958, headers: { 'content-type': 'application/json' } },
    consumer: { id: 'b32379d9-3d28-5683-a79c-72139be6e34f', username: 'alice', custom_id: 'cust-alice' },
    service: { id: '580c8aca-d632-5804-b307-a24326e1e2d5', name: 'orders', port: 9901, protocol: 'http' },
    route: { id: '95a8204f-b0ca-5182-bfe2-54e7ada6bd2b', name: 'orders-v1' },
    client_ip: '127.0.0.1',
    started_at: 1_795_249_323_462,
    source: 'upstream',
    upstream_status: '200',
    ...changes,
  });
}
