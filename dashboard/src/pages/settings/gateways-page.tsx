import { Link } from 'wouter';
import { useApi } from '../../api/use-api';
import { quantityText } from '../../format/quantity';
import { Badge } from '../../ui/badge';
import { CopyAsCurl, CopyAsYaml } from '../../ui/copy-button';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Loaded } from '../../ui/loaded';
import { Facts, Page } from '../../ui/page';
import { Sheet } from '../../ui/sheet';
import type { Column } from '../../ui/table';
import { Tabs } from '../../ui/tabs';
import { Time } from '../../ui/time';
import { useUrlState } from '../../ui/use-url-state';
import {
  driverWords,
  type Gateway,
  gatewayDeclaration,
  gatewaysPath,
  healthTones,
  modeWords,
  settingsTabs,
} from './gateway';
import { GatewayForm } from './gateway-form';

const columns: readonly Column<Gateway>[] = [
  {
    header: 'Gateway',
    render: ({ key, name }) => (
      <>
        <Link href={`/settings/gateways/${encodeURIComponent(key)}`}>{name}</Link>
        <div className="soft small mono">{key}</div>
      </>
    ),
  },
  {
    header: 'Health',
    render: ({ health }) => (
      <>
        <Badge tone={healthTones[health.status]}>{health.status}</Badge>
        {health.error && <div className="small break">{health.error}</div>}
      </>
    ),
  },
  {
    header: 'Version',
    render: ({ health }) => [health.version, health.edition].filter(Boolean).join(' ') || '–',
  },
  {
    header: 'Mode',
    render: (gateway) => (
      <>
        {modeWords(gateway)}
        <div className="soft small">{gateway.driver}</div>
      </>
    ),
  },
  { header: 'Compared', render: ({ sweptAt }) => <Time at={sweptAt} /> },
];

/** Where the gate is: which Kong, how it is reached, whether it answers. */
export const GatewaysPage = ({ gatewayKey }: { gatewayKey?: string | undefined }) => {
  const url = useUrlState();
  const close = (): void => url.go('/settings/gateways');
  const create = (
    <Link className="button button-primary" href="/settings/gateways/new">
      <Icon name="plus" />
      New gateway
    </Link>
  );
  return (
    <Page title="Settings" lead="Where the gate is, and whether it answers." actions={create}>
      <Tabs label="Settings" tabs={settingsTabs} />
      <List<Gateway>
        noun="gateway"
        path={gatewaysPath}
        queryOf={() => ({})}
        everyMs={5_000}
        columns={columns}
        keyOf={({ key }) => key}
        hrefOf={({ key }) => `/settings/gateways/${encodeURIComponent(key)}`}
        selectedKey={gatewayKey}
        empty={
          <Empty
            action={create}
            curl={{
              method: 'POST',
              path: gatewaysPath,
              body: { key: 'kong', driver: 'kong-acl', adminUrls: ['http://127.0.0.1:8001'] },
            }}
          >
            There is no gateway yet. Tell where Kong's Admin API is, and access policies can name its groups.
          </Empty>
        }
      />
      {gatewayKey === 'new' && (
        <Sheet title="New gateway" onClose={close}>
          <GatewayForm onClose={close} />
        </Sheet>
      )}
      {gatewayKey !== undefined && gatewayKey !== 'new' && (
        <GatewaySheet key={gatewayKey} gatewayKey={gatewayKey} onClose={close} />
      )}
    </Page>
  );
};

const GatewaySheet = ({ gatewayKey, onClose }: { gatewayKey: string; onClose: () => void }) => {
  const path = `${gatewaysPath}/${encodeURIComponent(gatewayKey)}`;
  const query = useApi<Gateway>(path);
  const gateway = query.data;
  return (
    <Sheet
      title={gateway?.name ?? gatewayKey}
      onClose={onClose}
      actions={
        gateway && (
          <>
            <CopyAsCurl path={path} />
            <CopyAsYaml value={() => gatewayDeclaration(gateway)} />
          </>
        )
      }
    >
      <Loaded query={query}>
        {(loaded) => (
          <>
            <Facts
              facts={[
                [
                  'Health',
                  <Badge key="health" tone={healthTones[loaded.health.status]}>
                    {loaded.health.status}
                  </Badge>,
                ],
                ['Error', loaded.health.error],
                ['Failing since', loaded.health.failingSince && <Time at={loaded.health.failingSince} />],
                ['Called again', loaded.health.pausedUntil && <Time at={loaded.health.pausedUntil} />],
                ['Version', loaded.health.version],
                ['Edition', loaded.health.edition],
                ['Mode', modeWords(loaded)],
                ['Nodes', loaded.health.nodes === null ? undefined : quantityText(loaded.health.nodes)],
                ['Driver', driverWords[loaded.driver]],
                ['Checked', <Time key="checked" at={loaded.health.checkedAt} />],
                ['Compared', <Time key="swept" at={loaded.sweptAt} />],
              ]}
            />
            <GatewayForm gateway={loaded} onClose={onClose} />
          </>
        )}
      </Loaded>
    </Sheet>
  );
};
