/** A reference to another entity. */
export interface ForeignKey {
  id: string;
}

/** Any row of the configuration. Times are epoch seconds, absent values null, as in Kong's answers. */
export interface Entity extends Record<string, unknown> {
  id: string;
  tags: string[] | null;
  created_at: number;
}

export interface Service extends Entity {
  name: string | null;
  protocol: string;
  host: string;
  port: number;
  path: string | null;
  retries: number;
  /** Milliseconds. */
  connect_timeout: number;
  /** Milliseconds. */
  read_timeout: number;
  /** Null leaves the upstream's certificate unchecked, as Kong's default does. */
  tls_verify: boolean | null;
  enabled: boolean;
}

export interface Route extends Entity {
  name: string | null;
  protocols: string[];
  methods: string[] | null;
  hosts: string[] | null;
  paths: string[] | null;
  headers: Record<string, string[]> | null;
  regex_priority: number;
  strip_path: boolean;
  preserve_host: boolean;
  service: ForeignKey | null;
}

export interface Consumer extends Entity {
  username: string | null;
  custom_id: string | null;
}

export interface Plugin extends Entity {
  name: string;
  enabled: boolean;
  service: ForeignKey | null;
  route: ForeignKey | null;
  consumer: ForeignKey | null;
  consumer_group?: ForeignKey | null;
  config: Record<string, unknown>;
}

export interface Acl extends Entity {
  consumer: ForeignKey;
  group: string;
}

export interface KeyAuthCredential extends Entity {
  consumer: ForeignKey;
  key: string;
}

export interface ConsumerGroup extends Entity {
  name: string;
}

export interface ConsumerGroupMember extends Entity {
  consumer_group: ForeignKey;
  consumer: ForeignKey;
}

/** The id behind a foreign field, or undefined when it is not set. */
export function foreignId(value: unknown): string | undefined {
  return value && typeof value === 'object' ? (value as ForeignKey).id : undefined;
}
