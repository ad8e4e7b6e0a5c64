/** A meter as the API shows it. */
export interface Meter {
  id: string;
  slug: string;
  name: string;
  description?: string;
  aggregation: Aggregation;
  eventType: string;
  eventFrom?: string;
  valueProperty?: string;
  groupBy?: Record<string, string>;
  metadata: Record<string, string>;
  annotations?: { backfill?: { state: string; progress: number; events: number } };
  createdAt: string;
  updatedAt: string;
}

export const aggregations = ['COUNT', 'SUM', 'AVG', 'MIN', 'MAX', 'UNIQUE_COUNT', 'LATEST'] as const;
export type Aggregation = (typeof aggregations)[number];

export const metersPath = '/api/v1/meters';

export const meterHref = (slug: string): string => `/meters/${encodeURIComponent(slug)}`;

/** What a meter does, in words: "counts kong.api_request", "adds up $.tokens of kong.llm_request". */
export const meterWords = ({ aggregation, eventType, valueProperty }: Meter): string => {
  const value = valueProperty ?? 'the value';
  const words: Record<Aggregation, string> = {
    COUNT: `counts ${eventType}`,
    SUM: `adds up ${value} of ${eventType}`,
    AVG: `averages ${value} of ${eventType}`,
    MIN: `takes the smallest ${value} of ${eventType}`,
    MAX: `takes the largest ${value} of ${eventType}`,
    UNIQUE_COUNT: `counts the different values of ${value} in ${eventType}`,
    LATEST: `takes the latest ${value} of ${eventType}`,
  };
  return words[aggregation];
};

/** As tollgate.yml declares it. */
export const meterDeclaration = (meter: Meter) => ({
  meters: {
    [meter.slug]: {
      name: meter.name,
      ...(meter.description ? { description: meter.description } : {}),
      eventType: meter.eventType,
      aggregation: meter.aggregation,
      ...(meter.valueProperty ? { valueProperty: meter.valueProperty } : {}),
      ...(meter.eventFrom ? { eventFrom: meter.eventFrom } : {}),
      ...(meter.groupBy ? { groupBy: meter.groupBy } : {}),
      ...(Object.keys(meter.metadata).length > 0 ? { metadata: meter.metadata } : {}),
    },
  },
});
