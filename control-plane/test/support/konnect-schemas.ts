import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';

interface Operation {
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: object }> }>;
}

const document = JSON.parse(
  readFileSync(join(__dirname, '../fixtures/openmeter-v3.openapi.json'), 'utf8'),
) as {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, Operation['responses'][string]>>;
};

const ajv = new Ajv({ strict: false, allErrors: true, logger: false, unicodeRegExp: false });
addFormats(ajv);
ajv.addSchema({ $id: 'v3', components: document.components } as object);
const validators = new Map<object, ValidateFunction>();

const templateOf = (path: string): string | undefined =>
  Object.keys(document.paths).find((template) =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );

/**
 * What is wrong with an answer by OpenMeter's own v3 specification; undefined when it is as specified. Routes and statuses
 * that the specification does not have are wrong as well.
 */
export const differenceFromV3 = (
  method: string,
  path: string,
  status: number,
  contentType: string | null,
  body: unknown,
): string | undefined => {
  const operationPath = path.replace(/^\/(?:api\/)?v3/, '').split('?', 1)[0]!;
  const template = templateOf(operationPath);
  const operation = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
  if (!operation) return `the specification has no ${method} ${operationPath}`;
  const named = operation.responses[status];
  if (!named) return `the specification has no status ${status} for ${method} ${template}`;
  const response = named.$ref ? document.components.responses![named.$ref.split('/').at(-1)!]! : named;
  if (!response.content) return body === undefined ? undefined : 'must have no body';
  const type = (contentType ?? '').split(';', 1)[0]!;
  const content = response.content[type];
  if (!content) return `must be ${Object.keys(response.content)}, not ${type}`;
  let validate = validators.get(content.schema);
  if (!validate) {
    validate = ajv.compile(
      JSON.parse(JSON.stringify(content.schema).replaceAll('"#/components/', '"v3#/components/')),
    );
    validators.set(content.schema, validate);
  }
  return validate(body) ? undefined : ajv.errorsText(validate.errors);
};
