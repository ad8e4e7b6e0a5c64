import type { Queryable } from '../storage';
import type { DriverName, Gateway, GatewayHealth, GatewaySettings } from './gateway';

interface GatewayRow {
  id: string;
  key: string;
  name: string;
  driver: DriverName;
  settings: GatewaySettings;
  health: GatewayHealth | Record<string, never> | null;
  swept_at: number | null;
  created_at: number;
  updated_at: number;
}

export interface GatewayWithHealth extends Gateway {
  health: GatewayHealth;
  /** When its memberships were last compared with wanted access. */
  sweptAt: number | null;
}

const gatewayOf = ({ health, swept_at, created_at, updated_at, ...row }: GatewayRow): GatewayWithHealth => ({
  ...row,
  health: isHealth(health) ? health : { status: 'unknown' },
  sweptAt: swept_at,
  createdAt: created_at,
  updatedAt: updated_at,
});

const isHealth = (health: GatewayRow['health']): health is GatewayHealth =>
  health !== null && 'status' in health;

const selectGateways =
  'SELECT g.*, l.health, l.swept_at FROM gateway g LEFT JOIN gateway_lane l ON l.gateway_id = g.id';

export const listGateways = async (queryable: Queryable): Promise<GatewayWithHealth[]> =>
  (await queryable.query<GatewayRow>(`${selectGateways} ORDER BY g.key`)).rows.map(gatewayOf);

/** By id or key. */
export const findGateway = async (
  queryable: Queryable,
  idOrKey: string,
): Promise<GatewayWithHealth | undefined> => {
  const { rows } = await queryable.query<GatewayRow>(
    `${selectGateways} WHERE g.id = $1 OR g.key = $1 ORDER BY g.id = $1 DESC LIMIT 1`,
    [idOrKey],
  );
  return rows[0] && gatewayOf(rows[0]);
};

export const insertGateway = async (queryable: Queryable, gateway: Gateway): Promise<void> => {
  await queryable.query(
    `INSERT INTO gateway (id, key, name, driver, settings, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7)`,
    [
      gateway.id,
      gateway.key,
      gateway.name,
      gateway.driver,
      JSON.stringify(gateway.settings),
      gateway.createdAt,
      gateway.updatedAt,
    ],
  );
  await queryable.query('INSERT INTO gateway_lane (gateway_id) VALUES ($1)', [gateway.id]);
};

export const updateGateway = async (queryable: Queryable, gateway: Gateway): Promise<void> => {
  await queryable.query(
    `UPDATE gateway SET key = $2, name = $3, driver = $4, settings = $5::jsonb, updated_at = $6 WHERE id = $1`,
    [
      gateway.id,
      gateway.key,
      gateway.name,
      gateway.driver,
      JSON.stringify(gateway.settings),
      gateway.updatedAt,
    ],
  );
};

/** False when a policy still names the gateway. */
export const deleteGateway = async (queryable: Queryable, id: string): Promise<boolean> => {
  const { rowCount } = await queryable.query(
    `DELETE FROM gateway WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM access_policy WHERE gateway_id = $1) RETURNING id`,
    [id],
  );
  return rowCount > 0;
};

/** Takes or keeps the gateway's lane until `until`; false while another replica holds it. */
export const holdLane = async (
  queryable: Queryable,
  gatewayId: string,
  holder: string,
  now: number,
  until: number,
): Promise<boolean> => {
  const { rowCount } = await queryable.query(
    `UPDATE gateway_lane SET holder = $2, held_until = $4
     WHERE gateway_id = $1 AND (holder = $2 OR held_until < $3) RETURNING gateway_id`,
    [gatewayId, holder, now, until],
  );
  return rowCount > 0;
};

export const releaseLane = async (queryable: Queryable, gatewayId: string, holder: string): Promise<void> => {
  await queryable.query(
    'UPDATE gateway_lane SET holder = NULL, held_until = 0 WHERE gateway_id = $1 AND holder = $2',
    [gatewayId, holder],
  );
};

export const saveHealth = async (
  queryable: Queryable,
  gatewayId: string,
  health: GatewayHealth,
): Promise<void> => {
  await queryable.query('UPDATE gateway_lane SET health = $2::jsonb WHERE gateway_id = $1', [
    gatewayId,
    JSON.stringify(health),
  ]);
};

export const saveSweep = async (queryable: Queryable, gatewayId: string, at: number): Promise<void> => {
  await queryable.query('UPDATE gateway_lane SET swept_at = $2 WHERE gateway_id = $1', [gatewayId, at]);
};
