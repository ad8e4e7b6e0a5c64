/** One sample of Kong's `kong_http_requests_total`. */
export interface CounterSample {
  labels: Record<string, string>;
  value: number;
}

const sample = /^kong_http_requests_total\{(.*)\}\s+(\S+)/;
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const escapes: Record<string, string> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

/** The request counters in Prometheus' text format 0.0.4. */
export const parseCounters = (text: string): CounterSample[] =>
  text.split('\n').flatMap((line) => {
    const [, labels, value] = sample.exec(line) ?? [];
    if (labels === undefined) return [];
    return {
      labels: Object.fromEntries(
        [...labels.matchAll(label)].map(([, name, raw]) => [
          name!,
          raw!.replaceAll(/\\[\\"n]/g, (escaped) => escapes[escaped]!),
        ]),
      ),
      value: Number(value),
    };
  });
