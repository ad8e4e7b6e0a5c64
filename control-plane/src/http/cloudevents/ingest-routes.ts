import { z } from 'zod';
import { konnectProblem } from '../konnect/problem-shape';
import type { FastRoute } from '../route';
import { createIngestHandler, type IngestOptions } from './ingest-handler';

const eventSchema = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string().min(1).describe('Unique for this source: a resend with the same pair is counted once.'),
    source: z.string().min(1),
    type: z.string().min(1),
    subject: z.string().min(1).describe('Whose usage it is.'),
    time: z.iso.datetime({ offset: true }).optional().describe('When it was used; now, if absent.'),
    datacontenttype: z.string().optional(),
    data: z.unknown().optional(),
  })
  .meta({ id: 'CloudEvent' });

const reference = z.object({ id: z.string(), source: z.string() });

const receiptSchema = z
  .object({
    accepted: z.array(reference),
    duplicates: z.array(reference),
    rejected: z.array(reference),
  })
  .meta({ id: 'IngestReceipt' });

const paths = [
  ['/api/v1/events', 204],
  ['/api/v3/openmeter/events', 202],
  ['/v3/openmeter/events', 202],
] as const;

/** Where CloudEvents are taken in: the paths of OpenMeter v1 and v3 and of Konnect, each with its own answer to success. */
export const ingestRoutes = (options: IngestOptions): FastRoute[] =>
  paths.map(([path, status]) => ({
    method: 'post',
    path,
    scope: 'ingest',
    tag: 'Events',
    summary: 'Store and count one CloudEvent or a batch of them; all or none',
    body: z.union([eventSchema, z.array(eventSchema)]),
    bodyTypes: ['application/cloudevents+json', 'application/cloudevents-batch+json', 'application/json'],
    responses: {
      [status]: { description: 'Stored and counted.' },
      200: {
        description: 'Stored and counted; asked for by Prefer: return=representation.',
        schema: receiptSchema,
      },
    },
    ...(status === 202 ? { errorBody: konnectProblem, errorType: 'application/problem+json' } : {}),
    handleFast: createIngestHandler(options, status),
  }));
