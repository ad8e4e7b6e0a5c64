import type { StatusRange } from './status-range';

export const consumerFields = ['username', 'custom_id', 'id', 'consumer:<id>'] as const;
export const subjectPlaces = ['consumer', 'application', 'header', 'query'] as const;

/** Where the customer's identifier stands; `field` is a header or parameter name (headers in lower case). */
export type SubjectRule =
  | { readonly in: 'consumer'; readonly field: (typeof consumerFields)[number] }
  | { readonly in: 'application' | 'header' | 'query'; readonly field: string };

export interface Attribute {
  readonly source: 'header' | 'query';
  readonly name: string;
  readonly property: string;
}

/** Which logged requests count, for whom, and what their events carry. */
export interface MeteringRules {
  readonly metersApiRequests: boolean;
  readonly metersAiTokenUsage: boolean;
  readonly subject: SubjectRule;
  readonly attributes: readonly Attribute[];
  /** Whether answers that Kong gave itself (401, 403, 429) are left out. */
  readonly countsOnlyUpstream: boolean;
  /** Empty: every status counts. */
  readonly countedStatuses: readonly StatusRange[];
}

/** What a client proves itself with; such a header is never copied into an event, whatever is configured. */
const credentialHeaders = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'apikey',
  'x-api-key',
]);

export const isCredentialHeader = (name: string): boolean => credentialHeaders.has(name.toLowerCase());

/** Properties that every event has in `data` already: an attribute may not take their place. */
const reservedProperty =
  /^(client_ip|control_plane_id|request_|response_|route_|service_|upstream_status$|subject_type$|application_id$|portal_id$|ai_plugin_|(type|tokens|model|provider|cache_status|http_status|api_request_id)$)/;

export const isReservedProperty = (name: string): boolean => reservedProperty.test(name);
