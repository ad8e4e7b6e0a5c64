import type { Exchange } from './exchange';

/** Requests by service, route, status, source and consumer, as Kong's prometheus plugin counts them. */
export class RequestCounters {
  private readonly counts = new Map<string, number>();

  count(exchange: Exchange): void {
    const service = exchange.target?.service.name ?? '';
    const route = exchange.target?.route.name ?? '';
    const source = exchange.source === 'service' ? 'service' : 'kong';
    const consumer = exchange.consumer?.entity.username ?? '';
    const labels =
      `service="${escapeLabel(service)}",route="${escapeLabel(route)}",code="${exchange.status}",source="${source}",` +
      `workspace="default",consumer="${escapeLabel(consumer)}"`;
    this.counts.set(labels, (this.counts.get(labels) ?? 0) + 1);
  }

  /** Prometheus text exposition format 0.0.4. */
  render(): string {
    const lines = [
      '# HELP kong_http_requests_total HTTP status codes per consumer/service/route in Kong',
      '# TYPE kong_http_requests_total counter',
    ];
    for (const [labels, count] of [...this.counts].sort())
      lines.push(`kong_http_requests_total{${labels}} ${count}`);
    return `${lines.join('\n')}\n`;
  }
}

function escapeLabel(value: string): string {
  return /["\\\n]/.test(value) ? JSON.stringify(value).slice(1, -1) : value;
}
