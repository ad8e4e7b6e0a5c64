import { createHash } from 'node:crypto';
import { defineKind, entriesOf, present } from '../resource-kind';
import { channelSchema } from '../schema';

interface Channel {
  id: string;
  name: string;
  type: string;
  url: string;
  customHeaders?: Record<string, string>;
  disabled?: boolean;
  metadata?: Record<string, string> | null;
}

type Spec = ReturnType<typeof channelSchema.parse>;

const path = '/api/v1/notification/channels';

/**
 * The server never tells a signing secret, so whether a declared one is in force is known by this key of the metadata: a
 * part of its SHA-256, too short to be of use to anybody who reads it.
 */
const fingerprintKey = 'tollgate.signingSecretFingerprint';

const fingerprint = (secret: string): string =>
  createHash('sha256').update(`signing secret ${secret}`).digest('hex').slice(0, 16);

const bodyOf = (name: string, { signingSecret, ...spec }: Spec) => ({
  name,
  ...spec,
  ...(signingSecret === undefined
    ? {}
    : { signingSecret, metadata: { ...spec.metadata, [fingerprintKey]: fingerprint(signingSecret) } }),
});

export const channels = defineKind<Spec>({
  section: 'channels',
  label: 'channel',
  declared: (declaration) => entriesOf(declaration.channels),
  list: async (client) =>
    (await client.list<Channel>(`${path}?includeDisabled=true`)).map((channel) => {
      const { [fingerprintKey]: signingSecret, ...metadata } = channel.metadata ?? {};
      return {
        name: channel.name,
        id: channel.id,
        spec: channelSchema.parse(
          present({
            type: channel.type,
            url: channel.url,
            customHeaders: channel.customHeaders ?? {},
            signingSecret,
            disabled: channel.disabled ?? false,
            metadata,
          }),
        ),
      };
    }),
  create: async (client, name, spec) => (await client.request<Channel>('POST', path, bodyOf(name, spec))).id,
  update: async (client, { name, id }, spec) => {
    await client.request('PUT', `${path}/${id}`, bodyOf(name, spec));
    return id;
  },
  remove: async (client, { id }) => {
    await client.request('DELETE', `${path}/${id}`);
  },
  comparable: (spec) =>
    spec.signingSecret === undefined ? spec : { ...spec, signingSecret: fingerprint(spec.signingSecret) },
  fixedFields: [],
});
