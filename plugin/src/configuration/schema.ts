/**
 * The configuration schema that Kong checks, in the form of its plugin-server protocol (a list of one-key
 * records, as `--dump-all-plugins` prints it). Names and defaults are those of Kong's `metering-and-billing`
 * except where plugin/README.md says otherwise.
 */
export const schema = [
  { ingest_endpoint: { type: 'string', required: true, referenceable: true } },
  { api_token: { type: 'string', required: true, referenceable: true, encrypted: true } },
  { meter_api_requests: { type: 'boolean', default: true } },
  { meter_ai_token_usage: { type: 'boolean', default: true } },
  {
    subject: {
      type: 'record',
      fields: [
        {
          look_up_value_in: {
            type: 'string',
            default: 'consumer',
            one_of: ['application', 'consumer', 'header', 'query'],
          },
        },
        { field: { type: 'string' } },
      ],
    },
  },
  { consumer_field: { type: 'string', one_of: ['username', 'custom_id', 'id', 'consumer:<id>'] } },
  {
    attributes: {
      type: 'array',
      elements: {
        type: 'record',
        fields: [
          { source: { type: 'string', required: true, one_of: ['header', 'query'] } },
          { look_up_value_in: { type: 'string', required: true } },
          { event_property_name: { type: 'string', required: true } },
        ],
      },
    },
  },
  { counted_source: { type: 'string', default: 'upstream', one_of: ['upstream', 'any'] } },
  { counted_statuses: { type: 'array', elements: { type: 'string' } } },
  { source: { type: 'string' } },
  {
    queue: {
      type: 'record',
      fields: [
        { concurrency_limit: { type: 'integer', default: 1, one_of: [-1, 1] } },
        { initial_retry_delay: { type: 'number', default: 0.01, between: [0.001, 1_000_000] } },
        { max_batch_size: { type: 'integer', default: 1000, between: [1, 1_000_000] } },
        { max_bytes: { type: 'integer' } },
        { max_coalescing_delay: { type: 'number', default: 1, between: [0, 3600] } },
        { max_entries: { type: 'integer', default: 10_000, between: [1, 1_000_000] } },
        { max_retry_delay: { type: 'number', default: 60, between: [0.001, 1_000_000] } },
        { max_retry_time: { type: 'number', default: 60 } },
      ],
    },
  },
  { timeout: { type: 'number', default: 10_000 } },
  { keepalive: { type: 'number', default: 60_000 } },
  { ssl_verify: { type: 'boolean', default: true } },
  { max_request_bytes: { type: 'integer', default: 1_048_576, between: [16_384, 67_108_864] } },
  { compress_above_bytes: { type: 'integer', between: [-1, 1_073_741_824] } },
  {
    journal: {
      type: 'record',
      fields: [
        { directory: { type: 'string' } },
        { max_bytes: { type: 'integer', default: 1_073_741_824 } },
        { segment_bytes: { type: 'integer', default: 16_777_216 } },
        { fsync: { type: 'string', default: 'interval', one_of: ['never', 'interval', 'always'] } },
        { fsync_interval: { type: 'number', default: 1000 } },
      ],
    },
  },
];
