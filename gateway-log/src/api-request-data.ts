import type { SubjectRule } from './metering-rules';
import { firstText, type SerializedRequest } from './serialized-request';
import { applicationIdOf } from './subject';

/**
 * `data` of a `kong.api_request` event: the fields that Kong documents for its own metering plugin. Fields
 * without a value are left out. `request_uri` is the path only, since a query string may carry an API key.
 */
export function apiRequestData(
  request: SerializedRequest,
  subjectType: SubjectRule['in'],
): Record<string, unknown> {
  const { request: sent, response, route, service } = request;
  return {
    client_ip: request.client_ip,
    control_plane_id: request.control_plane_id,
    request_host: hostOf(firstText(sent?.headers, 'host'), sent?.url),
    request_method: sent?.method,
    request_uri: sent?.uri?.split('?', 1)[0],
    request_size_bytes: wholeNumber(sent?.size),
    request_user_agent: firstText(sent?.headers, 'user-agent'),
    response_size_bytes: wholeNumber(response?.size),
    response_http_status: response?.status,
    route_id: route?.id,
    route_name: route?.name,
    service_id: service?.id,
    service_name: service?.name,
    service_port: service?.port,
    service_protocol: service?.protocol,
    upstream_status: upstreamStatusOf(request.upstream_status),
    subject_type: subjectType,
    application_id: applicationIdOf(request),
    portal_id: request.application_context?.portal_id,
  };
}

function hostOf(header: string | undefined, url: string | undefined): string | undefined {
  if (header !== undefined) return header;
  return url !== undefined && URL.canParse(url) ? new URL(url).host : undefined;
}

function wholeNumber(value: number | string | undefined): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value;
  return Number.isFinite(number) ? number : undefined;
}

/** Kong lists one status a try (`502, 502, 200`); the last one is what the client was answered with. */
function upstreamStatusOf(statuses: string | number | undefined): number | undefined {
  const last = String(statuses ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  return last ? wholeNumber(last) : undefined;
}
