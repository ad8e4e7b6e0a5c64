import { z } from 'zod';
import { deleteSubject, findSubject, listSubjects, type Subject, upsertSubjects } from '../../events';
import type { Clock } from '../../primitives/clock';
import type { IdentifierSource } from '../../primitives/identifiers';
import { notFound } from '../../primitives/refusal';
import type { Database } from '../../storage';
import { defineRoute, json, noContent, type Route } from '../route';
import { resourceId, timeText, toTimeText } from './fields';

const tag = 'Subjects';
const metadata = z.record(z.string().max(256), z.unknown());

const upsert = z
  .array(
    z.object({
      key: z.string().min(1).max(1024),
      displayName: z.string().max(256).nullish(),
      metadata: metadata.nullish(),
      stripeCustomerId: z.string().max(256).nullish(),
    }),
  )
  .max(1000);

const subjectResponse = z.object({
  id: resourceId,
  key: z.string(),
  displayName: z.string().nullable(),
  metadata,
  stripeCustomerId: z.string().nullable(),
  createdAt: timeText,
  updatedAt: timeText,
});

const subjectBody = (subject: Subject): z.input<typeof subjectResponse> => ({
  ...subject,
  createdAt: toTimeText(subject.createdAt),
  updatedAt: toTimeText(subject.updatedAt),
});

const params = z.object({ subjectIdOrKey: z.string().min(1).max(1024) });
const path = '/api/v1/subjects/{subjectIdOrKey}';

export interface SubjectsRoutesOptions {
  database: Database;
  clock: Clock;
  newId: IdentifierSource;
}

/**
 * OpenMeter's v1 subjects: names and metadata for event subjects. They are optional: events of a subject that nobody
 * made here count just the same.
 */
export const subjectsRoutes = ({ database, clock, newId }: SubjectsRoutesOptions): Route[] => {
  const find = async (idOrKey: string): Promise<Subject> => {
    const subject = await findSubject(database, idOrKey);
    if (!subject) throw notFound('subject', idOrKey);
    return subject;
  };
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/subjects',
      scope: 'read',
      tag,
      summary: 'List subjects',
      responses: {
        200: { description: 'The subjects, as a plain array.', schema: z.array(subjectResponse) },
      },
      handle: async () => json(200, (await listSubjects(database)).map(subjectBody)),
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/subjects',
      scope: 'manage',
      tag,
      summary: 'Create subjects, or change those whose key is known; absent fields are kept',
      body: upsert,
      responses: { 200: { description: 'The subjects.', schema: z.array(subjectResponse) } },
      handle: async ({ body }) => {
        const subjects = await database.transaction((transaction) =>
          upsertSubjects(transaction, body, newId, clock.now()),
        );
        return json(200, subjects.map(subjectBody));
      },
    }),
    defineRoute({
      method: 'get',
      path,
      scope: 'read',
      tag,
      summary: 'Get a subject by id or key',
      params,
      responses: {
        200: { description: 'The subject.', schema: subjectResponse },
        404: { description: 'There is none.' },
      },
      handle: async (input) => json(200, subjectBody(await find(input.params.subjectIdOrKey))),
    }),
    defineRoute({
      method: 'delete',
      path,
      scope: 'manage',
      tag,
      summary: 'Delete a subject; its events and usage stay',
      params,
      responses: { 204: { description: 'It is deleted.' }, 404: { description: 'There is none.' } },
      handle: async (input) => {
        await deleteSubject(database, (await find(input.params.subjectIdOrKey)).id);
        return noContent;
      },
    }),
  ];
};
