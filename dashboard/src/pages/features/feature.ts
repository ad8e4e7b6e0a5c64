/** A feature as the API shows it. */
export interface Feature {
  id: string;
  key: string;
  name: string;
  metadata: Record<string, string>;
  meterSlug?: string;
  advancedMeterGroupByFilters?: Record<string, FilterTerms>;
  createdAt: string;
  updatedAt: string;
  archivedAt?: string;
}

export type FilterTerms = Record<string, unknown>;

export const featuresPath = '/api/v1/features';

export const featureHref = (key: string): string => `/features/${encodeURIComponent(key)}`;

/** "route_name is orders", "method is GET or PUT"; other operators as they are written. */
export const filterWords = (key: string, terms: FilterTerms): string => {
  const { $eq, $in, ...others } = terms;
  const words = [
    ...(typeof $eq === 'string' ? [`is ${$eq}`] : []),
    ...(Array.isArray($in) ? [`is ${$in.join(' or ')}`] : []),
    ...Object.entries(others).map(([operator, value]) => `${operator} ${JSON.stringify(value)}`),
  ];
  return `${key} ${words.join(' and ')}`;
};

/** Filters from what was typed: one value means equality, several between commas any of them. */
export const filtersOf = (pairs: Record<string, string>): Record<string, FilterTerms> =>
  Object.fromEntries(
    Object.entries(pairs).flatMap(([key, text]) => {
      const values = text
        .split(',')
        .map((value) => value.trim())
        .filter(Boolean);
      if (values.length === 0) return [];
      return [[key, values.length === 1 ? { $eq: values[0] } : { $in: values }] as const];
    }),
  );

/** As tollgate.yml declares it. */
export const featureDeclaration = (feature: Feature) => ({
  features: {
    [feature.key]: {
      name: feature.name,
      ...(feature.meterSlug ? { meter: feature.meterSlug } : {}),
      ...(feature.advancedMeterGroupByFilters ? { filters: feature.advancedMeterGroupByFilters } : {}),
      ...(Object.keys(feature.metadata).length > 0 ? { metadata: feature.metadata } : {}),
    },
  },
});
