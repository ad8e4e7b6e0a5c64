import { useApi, useChange } from '../../api/use-api';
import { ConfirmButton } from '../../ui/confirm-button';
import { CopyAsCurl } from '../../ui/copy-button';
import { SelectField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { tell } from '../../ui/toasts';
import type { Gateway } from '../settings/gateway';
import { accessPath, type Policy } from './access';

export interface PolicyFormProps {
  policy: Policy | undefined;
  gateways: readonly Gateway[];
  onClose: () => void;
}

const namesOf = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

export const PolicyForm = ({ policy, gateways, onClose }: PolicyFormProps) => {
  const features = useApi<{ key: string }[]>('/api/v1/features', { limit: 200 });
  const { run } = useChange(accessPath);
  const [draft, change] = useDraft({
    feature: policy?.feature ?? '',
    gateway: policy?.gateway ?? gateways[0]?.id ?? '',
    leave: policy?.leave.join(', ') ?? '',
    join: policy?.join.join(', ') ?? '',
    mode: policy?.mode ?? ('enforce' as const),
  });
  const gateway = draft.gateway || gateways[0]?.id || '';
  const save = async (): Promise<void> => {
    const body = { ...draft, gateway, leave: namesOf(draft.leave), join: namesOf(draft.join) };
    if (policy) await run({ method: 'PUT', path: `${accessPath}/policies/${policy.id}`, body });
    else await run({ path: `${accessPath}/policies`, body });
    tell(`Saved the policy of ${draft.feature}. Customers that it concerns are looked at now.`);
    onClose();
  };
  if (gateways.length === 0)
    return <p className="note">Add a gateway first, under Settings: a policy names the groups of one.</p>;
  return (
    <Form
      submitLabel={policy ? 'Save' : 'Create policy'}
      onSubmit={save}
      onCancel={onClose}
      actions={
        policy && (
          <ConfirmButton
            label="Delete"
            question={`Delete the policy of ${policy.feature}? The groups stay as they are.`}
            onConfirm={async () => {
              await run({ method: 'DELETE', path: `${accessPath}/policies/${policy.id}` });
              tell(`Deleted the policy of ${policy.feature}.`);
              onClose();
            }}
          />
        )
      }
    >
      {policy && (
        <div className="row">
          <CopyAsCurl path={`${accessPath}/policies/${policy.id}`} />
        </div>
      )}
      <TextField
        label="Feature"
        path="$.feature"
        isRequired
        value={draft.feature}
        onChange={(feature) => change({ feature })}
        suggestions={(features.data ?? []).map(({ key }) => key)}
        hint="Its key."
      />
      <SelectField
        label="Gateway"
        path="$.gateway"
        value={gateway}
        onChange={(next) => change({ gateway: next })}
        options={gateways.map(({ id, name }) => ({ value: id, label: name }))}
      />
      <TextField
        label="Groups to leave"
        path="$.leave"
        value={draft.leave}
        onChange={(leave) => change({ leave })}
        placeholder="orders-access"
        hint="Groups that give access, separated by commas. Consumers without access leave them."
      />
      <TextField
        label="Groups to join"
        path="$.join"
        value={draft.join}
        onChange={(join) => change({ join })}
        hint="Groups for consumers without access, such as one that answers 429 with a message of yours."
      />
      <SelectField
        label="Mode"
        path="$.mode"
        value={draft.mode}
        onChange={(mode) => change({ mode })}
        options={[
          { value: 'enforce', label: 'Enforce: change the gateway' },
          { value: 'observe', label: 'Observe: only say in the log what would be done' },
        ]}
      />
    </Form>
  );
};
