-- Upload to Konnect as the schema of the custom plugin "tollgate". Made from plugin/src/configuration/schema.ts
-- by `npm run lua-schema -w plugin`.
local typedefs = require "kong.db.schema.typedefs"

return {
  name = "tollgate",
  fields = {
    { protocols = typedefs.protocols_http },
    {
      config = {
        type = "record",
        fields = {
          { ingest_endpoint = { type = "string", required = true, referenceable = true } },
          {
            api_token = { type = "string", required = true, referenceable = true, encrypted = true },
          },
          { meter_api_requests = { type = "boolean", default = true } },
          { meter_ai_token_usage = { type = "boolean", default = true } },
          {
            subject = {
              type = "record",
              fields = {
                {
                  look_up_value_in = {
                    type = "string",
                    default = "consumer",
                    one_of = { "application", "consumer", "header", "query" },
                  },
                },
                { field = { type = "string" } },
              },
            },
          },
          {
            consumer_field = { type = "string", one_of = { "username", "custom_id", "id", "consumer:<id>" } },
          },
          {
            attributes = {
              type = "array",
              elements = {
                type = "record",
                fields = {
                  { source = { type = "string", required = true, one_of = { "header", "query" } } },
                  { look_up_value_in = { type = "string", required = true } },
                  { event_property_name = { type = "string", required = true } },
                },
              },
            },
          },
          {
            counted_source = { type = "string", default = "upstream", one_of = { "upstream", "any" } },
          },
          { counted_statuses = { type = "array", elements = { type = "string" } } },
          { source = { type = "string" } },
          {
            queue = {
              type = "record",
              fields = {
                { concurrency_limit = { type = "integer", default = 1, one_of = { -1, 1 } } },
                {
                  initial_retry_delay = { type = "number", default = 0.01, between = { 0.001, 1000000 } },
                },
                { max_batch_size = { type = "integer", default = 1000, between = { 1, 1000000 } } },
                { max_bytes = { type = "integer" } },
                { max_coalescing_delay = { type = "number", default = 1, between = { 0, 3600 } } },
                { max_entries = { type = "integer", default = 10000, between = { 1, 1000000 } } },
                { max_retry_delay = { type = "number", default = 60, between = { 0.001, 1000000 } } },
                { max_retry_time = { type = "number", default = 60 } },
              },
            },
          },
          { timeout = { type = "number", default = 10000 } },
          { keepalive = { type = "number", default = 60000 } },
          { ssl_verify = { type = "boolean", default = true } },
          {
            max_request_bytes = { type = "integer", default = 1048576, between = { 16384, 67108864 } },
          },
          { compress_above_bytes = { type = "integer", between = { -1, 1073741824 } } },
          {
            journal = {
              type = "record",
              fields = {
                { directory = { type = "string" } },
                { max_bytes = { type = "integer", default = 1073741824 } },
                { segment_bytes = { type = "integer", default = 16777216 } },
                {
                  fsync = { type = "string", default = "interval", one_of = { "never", "interval", "always" } },
                },
                { fsync_interval = { type = "number", default = 1000 } },
              },
            },
          },
        },
      },
    },
  },
}
