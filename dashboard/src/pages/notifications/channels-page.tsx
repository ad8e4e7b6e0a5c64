import { useState } from 'react';
import { Link } from 'wouter';
import { useApi } from '../../api/use-api';
import { Badge } from '../../ui/badge';
import { Empty } from '../../ui/empty';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Loaded } from '../../ui/loaded';
import { Page } from '../../ui/page';
import { Secret } from '../../ui/secret';
import { Sheet } from '../../ui/sheet';
import type { Column } from '../../ui/table';
import { Tabs } from '../../ui/tabs';
import { Time } from '../../ui/time';
import { useUrlState } from '../../ui/use-url-state';
import { ChannelForm } from './channel-form';
import { type Channel, notificationPath, notificationTabs } from './notification';

const columns: readonly Column<Channel>[] = [
  {
    header: 'Channel',
    render: ({ id, name }) => <Link href={`/notifications/channels/${id}`}>{name}</Link>,
  },
  { header: 'Address', render: ({ url }) => <span className="mono break">{url}</span> },
  {
    header: 'State',
    render: ({ disabled }) => (disabled ? <Badge>disabled</Badge> : <Badge tone="accent">enabled</Badge>),
  },
  { header: 'Created', sort: 'createdAt', render: ({ createdAt }) => <Time at={createdAt} /> },
];

/** Where notifications go. */
export const ChannelsPage = ({ channelId }: { channelId?: string | undefined }) => {
  const url = useUrlState();
  const [made, setMade] = useState<Channel>();
  const close = (): void => {
    setMade(undefined);
    url.go('/notifications/channels');
  };
  const create = (
    <Link className="button button-primary" href="/notifications/channels/new">
      <Icon name="plus" />
      New channel
    </Link>
  );
  return (
    <Page title="Notifications" lead="Where notifications go." actions={create}>
      <Tabs label="Notifications" tabs={notificationTabs} />
      <List<Channel>
        noun="channel"
        path={`${notificationPath}/channels`}
        query={{ includeDisabled: true }}
        order={{ by: 'createdAt', isDescending: true }}
        columns={columns}
        keyOf={({ id }) => id}
        hrefOf={({ id }) => `/notifications/channels/${id}`}
        selectedKey={channelId}
        empty={
          <Empty
            action={create}
            curl={{
              method: 'POST',
              path: `${notificationPath}/channels`,
              body: { type: 'WEBHOOK', name: 'operations', url: 'https://example.com/tollgate' },
            }}
          >
            There is no channel yet. A channel is an address that webhooks are sent to, signed so that the
            receiver can tell they are ours.
          </Empty>
        }
      />
      {made && (
        <Sheet title={`Signing secret of ${made.name}`} onClose={close}>
          <Secret text={made.signingSecret ?? ''} what="signing secret">
            Give it to the receiver: it checks the header webhook-signature with it.
          </Secret>
          <div className="row">
            <button type="button" className="button button-primary" onClick={close}>
              I have kept it
            </button>
          </div>
        </Sheet>
      )}
      {!made && channelId === 'new' && (
        <Sheet title="New channel" onClose={close}>
          <ChannelForm
            onSaved={(channel) => (channel.signingSecret ? setMade(channel) : close())}
            onClose={close}
          />
        </Sheet>
      )}
      {!made && channelId !== undefined && channelId !== 'new' && (
        <EditSheet key={channelId} id={channelId} onClose={close} onMade={setMade} />
      )}
    </Page>
  );
};

interface EditSheetProps {
  id: string;
  onClose: () => void;
  onMade: (channel: Channel) => void;
}

const EditSheet = ({ id, onClose, onMade }: EditSheetProps) => {
  const query = useApi<Channel>(`${notificationPath}/channels/${id}`);
  return (
    <Sheet title={query.data?.name ?? 'Channel'} onClose={onClose}>
      <Loaded query={query}>
        {(channel) => (
          <ChannelForm
            channel={channel}
            onSaved={(saved) => (saved.signingSecret ? onMade(saved) : onClose())}
            onClose={onClose}
          />
        )}
      </Loaded>
    </Sheet>
  );
};
