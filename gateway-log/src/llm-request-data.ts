import type { SerializedRequest } from './serialized-request';

/** One direction of one call: `key` sets its event id apart from the others of the same request. */
interface LlmUsage {
  readonly key: string;
  readonly data: Record<string, unknown>;
}

type Fields = Record<string, unknown>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

/**
 * `data` of the two `kong.llm_request` events (`type` request: prompt tokens, response: completion tokens) of
 * every AI plugin that logged usage: Kong's AI plugins write `ai.<plugin>.{meta,usage,cache}` into the log.
 */
export function llmRequestData(request: SerializedRequest): LlmUsage[] {
  const usages: LlmUsage[] = [];
  for (const [plugin, logged] of Object.entries(fieldsOf(request.ai))) {
    const { meta, usage, cache } = fieldsOf(logged);
    const tokens = fieldsOf(usage);
    const common = {
      model: fieldsOf(meta).response_model ?? fieldsOf(meta).request_model,
      provider: fieldsOf(meta).provider_name,
      ai_plugin_id: fieldsOf(meta).plugin_id,
      ai_plugin_name: plugin,
      cache_status: fieldsOf(cache).cache_status,
      http_status: request.response?.status,
      api_request_id: request.request?.id,
      route_id: request.route?.id,
      service_id: request.service?.id,
    };
    for (const [type, count] of [
      ['request', tokens.prompt_tokens],
      ['response', tokens.completion_tokens],
    ] as const) {
      if (typeof count !== 'number' || !Number.isFinite(count)) continue;
      usages.push({ key: `${plugin}:${type}`, data: { type, tokens: count, ...common } });
    }
  }
  return usages;
}
