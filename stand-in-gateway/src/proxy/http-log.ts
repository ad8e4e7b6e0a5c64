import type { Exchange } from './exchange';
import type { PluginBinding } from './plugin-slots';
import { serialize } from './serialize';

interface HttpLogConfig {
  http_endpoint: string;
  method: string;
  content_type: string;
  /** Milliseconds. */
  timeout: number;
  headers: Record<string, string> | null;
  queue: {
    max_batch_size: number;
    /** Seconds. */
    max_coalescing_delay: number;
    max_entries: number;
    /** Seconds. */
    max_retry_time: number;
    initial_retry_delay: number;
    max_retry_delay: number;
  };
}

interface Queue {
  config: HttpLogConfig;
  entries: string[];
  timer: NodeJS.Timeout | undefined;
  isSending: boolean;
}

/** Counts of what the http-log plugin could not deliver. */
export interface HttpLogStats {
  sentEntries: number;
  droppedBecauseFull: number;
  droppedAfterRetries: number;
}

/** Kong's http-log with its batching queue: one request at a time for each configured plugin. */
export class HttpLog {
  readonly stats: HttpLogStats = { sentEntries: 0, droppedBecauseFull: 0, droppedAfterRetries: 0 };
  private readonly queues = new Map<string, Queue>();
  private readonly closing = new AbortController();

  log(exchange: Exchange, binding: PluginBinding): void {
    const queue = this.queueOf(binding);
    const { max_batch_size, max_entries, max_coalescing_delay } = queue.config.queue;
    if (queue.entries.length >= max_entries) {
      queue.entries.shift();
      this.stats.droppedBecauseFull += 1;
    }
    queue.entries.push(serialize(exchange));
    if (queue.entries.length >= max_batch_size) void this.drain(queue);
    else queue.timer ??= setTimeout(() => void this.drain(queue), max_coalescing_delay * 1000).unref();
  }

  close(): void {
    this.closing.abort();
    for (const queue of this.queues.values()) clearTimeout(queue.timer);
  }

  private queueOf(binding: PluginBinding): Queue {
    const config = binding.config as unknown as HttpLogConfig;
    const queue = this.queues.get(binding.plugin.id);
    if (queue) {
      queue.config = config;
      return queue;
    }
    const created: Queue = { config, entries: [], timer: undefined, isSending: false };
    this.queues.set(binding.plugin.id, created);
    return created;
  }

  private async drain(queue: Queue): Promise<void> {
    if (queue.isSending) return;
    clearTimeout(queue.timer);
    queue.timer = undefined;
    queue.isSending = true;
    try {
      while (queue.entries.length > 0 && !this.closing.signal.aborted) {
        await this.deliver(queue.config, queue.entries.splice(0, queue.config.queue.max_batch_size));
      }
    } finally {
      queue.isSending = false;
    }
  }

  private async deliver(config: HttpLogConfig, entries: string[]): Promise<void> {
    // With batches of one, Kong posts the entry itself and not a list.
    const body = config.queue.max_batch_size === 1 ? entries[0]! : `[${entries.join(',')}]`;
    const giveUpAt = Date.now() + config.queue.max_retry_time * 1000;
    let delayMs = config.queue.initial_retry_delay * 1000;
    while (!(await this.post(config, body))) {
      if (this.closing.signal.aborted) return;
      if (Date.now() + delayMs > giveUpAt) {
        this.stats.droppedAfterRetries += entries.length;
        return;
      }
      await pause(delayMs, this.closing.signal);
      delayMs = Math.min(delayMs * 2, config.queue.max_retry_delay * 1000);
    }
    this.stats.sentEntries += entries.length;
  }

  private async post(config: HttpLogConfig, body: string): Promise<boolean> {
    try {
      const response = await fetch(config.http_endpoint, {
        method: config.method,
        headers: { 'content-type': config.content_type, ...config.headers },
        body,
        signal: AbortSignal.any([this.closing.signal, AbortSignal.timeout(config.timeout)]),
      });
      await response.arrayBuffer();
      return response.status < 400;
    } catch {
      // Counted as dropped once the retries are used up.
      return false;
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
