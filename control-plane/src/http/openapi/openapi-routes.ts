import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defineRoute, handled, json, type Route, type RouteDescription } from '../route';
import { openApiDocument } from './openapi-document';

const tag = 'Operations';
const files = [
  ['/docs', 'index.html', 'text/html; charset=utf-8'],
  ['/docs/page.mjs', 'page.mjs', 'text/javascript; charset=utf-8'],
  ['/docs/page.css', 'page.css', 'text/css; charset=utf-8'],
] as const;

/**
 * The description of everything that is served, and a page that shows it without any network but this server. Both are
 * public: they say what the source says, and nothing of the data.
 * @param all every route, these included; read when the description is first asked for
 */
export const openApiRoutes = (all: () => readonly RouteDescription[], version: string): Route[] => {
  let document: unknown;
  return [
    defineRoute({
      method: 'get',
      path: '/openapi.json',
      scope: 'public',
      tag,
      summary: 'This description, OpenAPI 3.1',
      responses: { 200: { description: 'The description.', schema: z.looseObject({ openapi: z.string() }) } },
      handle: async () => {
        document ??= openApiDocument(all(), version);
        return json(200, document);
      },
    }),
    ...files.map(([path, file, contentType]) => pageRoute(path, file, contentType)),
  ];
};

const pageRoute = (path: string, file: string, contentType: string): Route => {
  const content = readFileSync(join(__dirname, 'page', file));
  return defineRoute({
    method: 'get',
    path,
    scope: 'public',
    tag,
    summary: 'The documentation page',
    responses: { 200: { description: 'A file of the page.', contentType: contentType.split(';', 1)[0]! } },
    handle: async ({ response }) => {
      response.setHeader('Content-Type', contentType);
      response.end(content);
      return handled;
    },
  });
};
