import { useChange } from '../../api/use-api';
import { ConfirmButton } from '../../ui/confirm-button';
import { CopyAsCurl } from '../../ui/copy-button';
import { CheckField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { type Pairs, PairsField, pairsOf, recordOf } from '../../ui/pairs-field';
import { tell } from '../../ui/toasts';
import { type Channel, notificationPath } from './notification';

export interface ChannelFormProps {
  /** The channel that is changed; a new one without it. */
  channel?: Channel;
  onSaved: (channel: Channel) => void;
  onClose: () => void;
}

interface Draft {
  name: string;
  url: string;
  customHeaders: Pairs;
  signingSecret: string;
  isEnabled: boolean;
}

const channelsPath = `${notificationPath}/channels`;

export const ChannelForm = ({ channel, onSaved, onClose }: ChannelFormProps) => {
  const [draft, change] = useDraft<Draft>({
    name: channel?.name ?? '',
    url: channel?.url ?? '',
    customHeaders: pairsOf(channel?.customHeaders),
    signingSecret: '',
    isEnabled: !channel?.disabled,
  });
  const { run } = useChange<Channel>(notificationPath);
  const save = async (): Promise<void> => {
    const body = {
      type: 'WEBHOOK',
      name: draft.name,
      url: draft.url,
      disabled: !draft.isEnabled,
      customHeaders: recordOf(draft.customHeaders),
      ...(draft.signingSecret ? { signingSecret: draft.signingSecret } : {}),
      ...(channel ? { metadata: channel.metadata } : {}),
    };
    const saved = channel
      ? await run({ method: 'PUT', path: `${channelsPath}/${channel.id}`, body })
      : await run({ path: channelsPath, body });
    tell(`Saved the channel ${saved.name}.`);
    onSaved(saved);
  };
  return (
    <Form
      submitLabel={channel ? 'Save' : 'Create channel'}
      onSubmit={save}
      onCancel={onClose}
      actions={
        channel && (
          <ConfirmButton
            label="Delete"
            question={`Delete the channel ${channel.name}? What was sent over it stays in the list of events.`}
            onConfirm={async () => {
              await run({ method: 'DELETE', path: `${channelsPath}/${channel.id}` });
              tell(`Deleted the channel ${channel.name}.`);
              onClose();
            }}
          />
        )
      }
    >
      {channel && (
        <div className="row">
          <CopyAsCurl path={`${channelsPath}/${channel.id}`} />
        </div>
      )}
      <TextField
        label="Name"
        path="$.name"
        isRequired
        value={draft.name}
        onChange={(name) => change({ name })}
      />
      <TextField
        label="Address"
        path="$.url"
        type="url"
        isRequired
        value={draft.url}
        onChange={(url) => change({ url })}
        placeholder="https://example.com/tollgate"
        hint="Loopback and private addresses are refused unless the configuration allows them."
      />
      <PairsField
        label="Headers"
        path="$.customHeaders"
        nameLabel="Name"
        valueLabel="Value"
        noun="header"
        pairs={draft.customHeaders}
        onChange={(customHeaders) => change({ customHeaders })}
        hint="Sent with every webhook, for instance what the receiver asks for."
      />
      <TextField
        label="Signing secret"
        path="$.signingSecret"
        type="password"
        value={draft.signingSecret}
        onChange={(signingSecret) => change({ signingSecret })}
        hint={
          channel ? 'Kept as it is unless you give another one.' : 'Made by the server unless you give one.'
        }
      />
      <CheckField
        label="Enabled"
        isChecked={draft.isEnabled}
        onChange={(isEnabled) => change({ isEnabled })}
      />
    </Form>
  );
};
