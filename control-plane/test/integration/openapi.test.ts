import Ajv from 'ajv/dist/2020';
import type { OpenApiDocument } from '../../src/http/openapi/openapi-document';
import type { Database } from '../../src/storage';
import { migrate } from '../../src/storage/migrate';
import { openPglite } from '../../src/storage/postgres/pglite';
import { createAnswerCheck } from '../support/answer-check';
import { startTestApp, type TestApp } from '../support/test-app';

/** The schemas of parameters and of contents. */
const schemasIn = (value: unknown): object[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) =>
    name === 'schema' ? [part as object] : schemasIn(part),
  );
};

describe('the description of the API', () => {
  let database: Database;
  let app: TestApp;
  let document: OpenApiDocument;

  beforeAll(async () => {
    database = await openPglite();
    await migrate(database);
    app = await startTestApp(database);
    document = (await (await fetch(`${app.url}/openapi.json`)).json()) as OpenApiDocument;
  });
  afterAll(async () => {
    await app.stop();
    await database.close();
  });

  it('names every route that is served, with its scope', () => {
    const described = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual(app.routes.map(({ method, path }) => `${method} ${path}`).sort());
    for (const route of app.routes) {
      const operation = document.paths[route.path]![route.method]!;
      expect(operation['x-tollgate-scope']).toBe(route.scope === 'public' ? undefined : route.scope);
    }
  });

  it('holds only schemas and references that resolve', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'openapi', components: document.components });
    for (const name of Object.keys(document.components.schemas)) {
      expect(ajv.getSchema(`openapi#/components/schemas/${name}`)).toBeDefined();
    }
    for (const schema of schemasIn(document.paths)) expect(ajv.validateSchema(schema)).toBe(true);
    for (const [, reference] of JSON.stringify(document.paths).matchAll(/"\$ref":"([^"]+)"/g)) {
      expect(document.components.schemas).toHaveProperty([reference!.split('/').at(-1)!]);
    }
  });

  it('gives each operation a name of its own', () => {
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item).map((operation) => operation.operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is shown by a page that asks no other server for anything', async () => {
    const page = await (await fetch(`${app.url}/docs`)).text();
    const parts = [page];
    for (const [, path] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect(path).toMatch(/^\/[^/]/);
      const answer = await fetch(`${app.url}${path}`);
      expect(answer.status).toBe(200);
      parts.push(await answer.text());
    }
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.slice(0, 3).join('')).not.toMatch(/https?:\/\//);
  });

  it.each([
    ['an undescribed status', 201, 'application/json', '{"status":"ok"}', /status is not described/],
    ['a missing field', 200, 'application/json', '{}', /required property 'status'/],
    ['a field too many', 200, 'application/json', '{"status":"ok","more":1}', /additional properties/],
    ['another content type', 200, 'text/plain', 'ok', /content type "text\/plain"/],
  ])('makes the check of answers fail on %s', async (_, statusCode, type, body, message) => {
    const { createServer } = await import('node:http');
    const answers = createAnswerCheck();
    answers.describe(app.routes);
    const server = createServer((request, response) => {
      answers.observe(request, response);
      response.statusCode = statusCode;
      response.setHeader('content-type', type);
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as { port: number };
      await (await fetch(`http://127.0.0.1:${port}/healthz`)).text();
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(() => answers.assertDescribed()).toThrow(message);
  });
});
