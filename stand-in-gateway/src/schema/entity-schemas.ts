import type { FieldSchema, NamedField } from './field-schema';

/** Which product's behaviour the stand-in shows. */
export type Edition = 'oss' | 'enterprise' | 'konnect';

/** How one kind of entity looks and how it is found. */
export interface EntitySchema {
  /** Table name, used in paths, messages and declarative files. */
  name: string;
  /** Field by which an entity is found besides its id. */
  endpointKey?: string;
  fields: readonly NamedField[];
  /** Field sets of which no two entities may share all values. */
  unique: readonly (readonly string[])[];
  /**
   * Fields that go into the deterministic id when the entity has no id of its own. Absent: the endpoint key alone.
   * Empty: ids are random (key-auth credentials, whose key Kong may generate).
   */
  cacheKey?: readonly string[];
}

const id: NamedField = { id: { type: 'string' } };
const tags: NamedField = { tags: { type: 'set', elements: { type: 'string' } } };
const createdAt: NamedField = { created_at: { type: 'integer' } };
const updatedAt: NamedField = { updated_at: { type: 'integer' } };

const field = (name: string, schema: FieldSchema): NamedField => ({ [name]: schema });
const stringList: FieldSchema = { type: 'set', elements: { type: 'string' } };
const timeout: FieldSchema = { type: 'integer', default: 60000, between: [1, 2147483646] };
const foreign = (reference: string, required = false): FieldSchema => ({
  type: 'foreign',
  reference,
  required,
});

const services: EntitySchema = {
  name: 'services',
  endpointKey: 'name',
  unique: [['name']],
  fields: [
    id,
    field('name', { type: 'string' }),
    field('protocol', { type: 'string', default: 'http', one_of: ['http', 'https'] }),
    field('host', { type: 'string', required: true }),
    field('port', { type: 'integer', default: 80, between: [0, 65535] }),
    field('path', { type: 'string' }),
    field('retries', { type: 'integer', default: 5, between: [0, 32767] }),
    field('connect_timeout', timeout),
    field('write_timeout', timeout),
    field('read_timeout', timeout),
    field('client_certificate', foreign('certificates')),
    field('tls_verify', { type: 'boolean' }),
    field('tls_verify_depth', { type: 'integer' }),
    field('ca_certificates', stringList),
    field('enabled', { type: 'boolean', required: true, default: true }),
    tags,
    createdAt,
    updatedAt,
  ],
};

const routes: EntitySchema = {
  name: 'routes',
  endpointKey: 'name',
  unique: [['name']],
  fields: [
    id,
    field('name', { type: 'string' }),
    field('protocols', { type: 'set', elements: { type: 'string' }, default: ['http', 'https'] }),
    field('methods', stringList),
    field('hosts', stringList),
    field('paths', stringList),
    field('headers', { type: 'map', values: { type: 'array', elements: { type: 'string' } } }),
    field('https_redirect_status_code', { type: 'integer', default: 426, one_of: [426, 301, 302, 307, 308] }),
    field('regex_priority', { type: 'integer', default: 0 }),
    field('strip_path', { type: 'boolean', default: true }),
    field('path_handling', { type: 'string', default: 'v0', one_of: ['v0'] }),
    field('preserve_host', { type: 'boolean', default: false }),
    field('request_buffering', { type: 'boolean', default: true }),
    field('response_buffering', { type: 'boolean', default: true }),
    field('snis', stringList),
    field('sources', { type: 'set' }),
    field('destinations', { type: 'set' }),
    field('service', foreign('services')),
    tags,
    createdAt,
    updatedAt,
  ],
};

const consumers: EntitySchema = {
  name: 'consumers',
  endpointKey: 'username',
  unique: [['username'], ['custom_id']],
  fields: [
    id,
    field('username', { type: 'string' }),
    field('custom_id', { type: 'string' }),
    tags,
    createdAt,
    updatedAt,
  ],
};

const acls: EntitySchema = {
  name: 'acls',
  endpointKey: 'group',
  unique: [['consumer', 'group']],
  cacheKey: ['consumer', 'group'],
  fields: [
    id,
    field('consumer', foreign('consumers', true)),
    field('group', { type: 'string', required: true }),
    tags,
    createdAt,
  ],
};

const keyauthCredentials: EntitySchema = {
  name: 'keyauth_credentials',
  endpointKey: 'key',
  unique: [['key']],
  cacheKey: [],
  fields: [
    id,
    field('consumer', foreign('consumers', true)),
    field('key', { type: 'string', required: true }),
    tags,
    createdAt,
  ],
};

const consumerGroups: EntitySchema = {
  name: 'consumer_groups',
  endpointKey: 'name',
  unique: [['name']],
  fields: [id, field('name', { type: 'string', required: true }), tags, createdAt, updatedAt],
};

const consumerGroupConsumers: EntitySchema = {
  name: 'consumer_group_consumers',
  unique: [['consumer_group', 'consumer']],
  cacheKey: ['consumer_group', 'consumer'],
  fields: [
    id,
    field('consumer_group', foreign('consumer_groups', true)),
    field('consumer', foreign('consumers', true)),
    tags,
    createdAt,
    updatedAt,
  ],
};

function plugins(edition: Edition): EntitySchema {
  const scopes = ['route', 'service', 'consumer', ...(edition === 'oss' ? [] : ['consumer_group'])];
  return {
    name: 'plugins',
    unique: [['name', ...scopes]],
    cacheKey: ['name', ...scopes],
    fields: [
      id,
      field('name', { type: 'string', required: true }),
      field('instance_name', { type: 'string' }),
      field('enabled', { type: 'boolean', default: true }),
      field('service', foreign('services')),
      field('route', foreign('routes')),
      field('consumer', foreign('consumers')),
      ...(edition === 'oss' ? [] : [field('consumer_group', foreign('consumer_groups'))]),
      field('config', { type: 'map', default: {} }),
      field('protocols', {
        type: 'set',
        elements: { type: 'string' },
        default: ['grpc', 'grpcs', 'http', 'https'],
      }),
      tags,
      createdAt,
      updatedAt,
    ],
  };
}

/** Every kind of entity that the edition has, parents before children. */
export function entitySchemas(edition: Edition): readonly EntitySchema[] {
  const groups = edition === 'oss' ? [] : [consumerGroups, consumerGroupConsumers];
  return [consumers, services, routes, ...groups, plugins(edition), acls, keyauthCredentials];
}
