import type { AdminClient } from './admin-client';
import type { GatewayProbe } from './gateway-driver';
import { GatewayError } from './gateway-error';

interface NodeInformation {
  version?: unknown;
  edition?: unknown;
  configuration?: { database?: unknown };
}

/** Four numbers or "-enterprise": Kong Enterprise; three: Kong OSS. */
const enterpriseVersion = /^\d+\.\d+\.\d+\.\d+|enterprise/;

/**
 * What `GET /` says. Kong 3.9 with plugin servers that it starts itself answers 500 there (Kong/kong#14260) and works
 * otherwise, so `/status` is asked then.
 */
export const probeAdmin = async (client: AdminClient): Promise<GatewayProbe> => {
  const information = await client.call('GET', '/').catch((error: unknown) => {
    if (error instanceof GatewayError && error.code === 'failing') return undefined;
    throw error;
  });
  if (!information) {
    await client.call('GET', '/status');
    return { version: null, edition: 'unknown', database: null, nodes: 1 };
  }
  const { status, body } = information;
  const { version, edition, configuration } = (body ?? {}) as NodeInformation;
  if (status !== 200 || typeof version !== 'string') {
    throw new GatewayError('misconfigured', `GET /: ${status}; this is no Kong Admin API`);
  }
  const database = configuration?.database;
  return {
    version,
    edition: typeof edition === 'string' ? edition : enterpriseVersion.test(version) ? 'enterprise' : 'oss',
    database: typeof database === 'string' ? database : null,
    nodes: 1,
  };
};
