import { z } from 'zod';
import { plainText } from '../openmeter/fields';

/** Bodies of Revenium's metering API, v2. Unknown fields are taken and left out, as Revenium does. */

const sourceTypes = [
  'UNKNOWN',
  'AI',
  'SDK_PYTHON',
  'SDK_JS',
  'SDK_JVM',
  'SDK_SPRING',
  'SDK_DOTNET',
  'SDK_GOLANG',
  'SDK_RUST',
  'EBPF',
  'AWS',
  'AZURE',
  'SNOWFLAKE',
  'KONG',
  'GRAVITEE',
  'MULESOFT',
  'BOOMI',
  'REVENIUM',
  'INTERNAL',
] as const;

const id = plainText(1, 256);
const text = plainText(0, 2_048);
const optionalText = text.nullish();
const sourceType = z.enum(sourceTypes).nullish();
const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullish();
const milliseconds = z.number().min(0).max(Number.MAX_SAFE_INTEGER).nullish();

export const eventBody = z.object({
  transactionId: id,
  payload: z.record(z.string(), z.unknown()),
  sourceId: id.nullish(),
  subscriberCredential: id.nullish(),
  sourceType,
});

export const requestBody = z.object({
  transactionId: id,
  sourceId: id.nullish(),
  credential: id.nullish(),
  sourceType,
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']).nullish(),
  resource: optionalText,
  contentType: optionalText,
  remoteHost: optionalText,
  userAgent: optionalText,
  requestMessageSize: bytes,
});

export const responseBody = z.object({
  transactionId: id,
  responseCode: z.number().int().min(100).max(999),
  contentType: optionalText,
  responseMessageSize: bytes,
  backendLatency: milliseconds,
  gatewayLatency: milliseconds,
  totalDuration: milliseconds,
});
