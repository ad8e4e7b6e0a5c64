import type { Query } from '../../api/query-text';

/** What the chart of a meter is asked, as it stands in the URL. */
export interface UsageQuestion {
  span: Span;
  window: Window;
  timeZone: string;
  groupBy: string | undefined;
  subject: string | undefined;
}

export const windows = ['MINUTE', 'HOUR', 'DAY', 'MONTH'] as const;
export type Window = (typeof windows)[number];

export const spans = ['1h', '24h', '7d', '30d', '90d', '1y'] as const;
export type Span = (typeof spans)[number];

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const spanMs: Record<Span, number> = {
  '1h': hourMs,
  '24h': dayMs,
  '7d': 7 * dayMs,
  '30d': 30 * dayMs,
  '90d': 90 * dayMs,
  '1y': 365 * dayMs,
};
const windowMs: Record<Window, number> = { MINUTE: 60_000, HOUR: hourMs, DAY: dayMs, MONTH: 30 * dayMs };

/** More bars than pixels to draw them would say nothing. */
const windowLimit = 1_500;

export const spanLabels: Record<Span, string> = {
  '1h': 'Last hour',
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  '90d': 'Last 90 days',
  '1y': 'Last year',
};

/** The windows in which a span can be drawn. */
export const windowsOf = (span: Span): readonly Window[] =>
  windows.filter(
    (window) => spanMs[span] / windowMs[window] <= windowLimit && spanMs[span] >= windowMs[window],
  );

const usual: Record<Span, Window> = {
  '1h': 'MINUTE',
  '24h': 'HOUR',
  '7d': 'HOUR',
  '30d': 'DAY',
  '90d': 'DAY',
  '1y': 'MONTH',
};

const oneOf = <T extends string>(values: readonly T[], text: string | undefined): T | undefined =>
  values.find((value) => value === text);

/** Reads the question from URL parameters; what is missing or wrong has its usual value. */
export const questionOf = (get: (name: string) => string | undefined, viewerZone: string): UsageQuestion => {
  const span = oneOf(spans, get('span')) ?? '24h';
  return {
    span,
    window: oneOf(windowsOf(span), get('window')) ?? usual[span],
    timeZone: get('zone') ?? viewerZone,
    groupBy: get('groupBy'),
    subject: get('subject'),
  };
};

/** The bounds of the span that ends now: it begins on a whole minute, as usage is kept by the minute. */
export const boundsOf = (span: Span, now: number): readonly [from: number, to: number] => [
  Math.floor((now - spanMs[span]) / 60_000) * 60_000,
  now,
];

/** The query of GET /api/v1/meters/{slug}/query. Without windows it is the total of the span. */
export const usageQuery = (question: UsageQuestion, from: number, isWindowed: boolean): Query => ({
  from: new Date(from).toISOString(),
  ...(isWindowed ? { windowSize: question.window, windowTimeZone: question.timeZone } : {}),
  ...(question.subject ? { subject: [question.subject] } : {}),
  ...(question.groupBy ? { groupBy: [question.groupBy] } : {}),
});
