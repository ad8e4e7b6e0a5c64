import { useChange } from '../../api/use-api';
import { ConfirmButton } from '../../ui/confirm-button';
import { SelectField, TextAreaField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { tell } from '../../ui/toasts';
import { type Driver, drivers, driverWords, type Gateway, gatewaysPath } from './gateway';

export interface GatewayFormProps {
  /** The gateway that is changed; a new one without it. */
  gateway?: Gateway;
  onClose: () => void;
}

interface Draft {
  key: string;
  name: string;
  driver: Driver;
  adminUrls: string;
  token: string;
  workspace: string;
  controlPlaneId: string;
}

export const GatewayForm = ({ gateway, onClose }: GatewayFormProps) => {
  const [draft, change] = useDraft<Draft>({
    key: gateway?.key ?? '',
    name: gateway?.name ?? '',
    driver: gateway?.driver ?? 'kong-acl',
    adminUrls: gateway?.adminUrls.join('\n') ?? '',
    token: gateway?.token ?? '',
    workspace: gateway?.workspace ?? '',
    controlPlaneId: gateway?.controlPlaneId ?? '',
  });
  const { run } = useChange('/api/v1/access', '/api/v1/overview');
  const save = async (): Promise<void> => {
    const body = {
      key: draft.key,
      ...(draft.name ? { name: draft.name } : {}),
      driver: draft.driver,
      adminUrls: draft.adminUrls.split(/\s+/).filter((url) => url !== ''),
      token: draft.token || null,
      workspace: draft.workspace || null,
      controlPlaneId: draft.controlPlaneId || null,
      ...(gateway ? { timeoutMs: gateway.timeoutMs, concurrency: gateway.concurrency } : {}),
    };
    if (gateway) await run({ method: 'PUT', path: `${gatewaysPath}/${gateway.id}`, body });
    else await run({ path: gatewaysPath, body });
    tell(`Saved the gateway ${draft.key}. It is asked for its version now.`);
    onClose();
  };
  return (
    <Form
      submitLabel={gateway ? 'Save' : 'Create gateway'}
      onSubmit={save}
      onCancel={onClose}
      actions={
        gateway && (
          <ConfirmButton
            label="Delete"
            question={`Delete the gateway ${gateway.name}? Its groups stay as they are. Policies that name it must be deleted first.`}
            onConfirm={async () => {
              await run({ method: 'DELETE', path: `${gatewaysPath}/${gateway.id}` });
              tell(`Deleted the gateway ${gateway.name}.`);
              onClose();
            }}
          />
        )
      }
    >
      <TextField
        label="Key"
        path="$.key"
        isRequired
        value={draft.key}
        onChange={(key) => change({ key })}
        placeholder="kong"
        hint="Lower-case letters, digits, - and _."
      />
      <TextField label="Name" path="$.name" value={draft.name} onChange={(name) => change({ name })} />
      <SelectField
        label="Kind"
        path="$.driver"
        value={draft.driver}
        onChange={(driver) => change({ driver })}
        options={drivers.map((value) => ({ value, label: driverWords[value] }))}
      />
      <TextAreaField
        label="Addresses of the Admin API"
        path="$.adminUrls"
        isRequired
        isCode
        rows={2}
        value={draft.adminUrls}
        onChange={(adminUrls) => change({ adminUrls })}
        hint="One; for a Kong without a database one a node, each on a line."
      />
      <TextField
        label="Token"
        path="$.token"
        value={draft.token}
        onChange={(token) => change({ token })}
        placeholder={'${' + 'env:KONG_ADMIN_TOKEN}'}
        hint="Where it is found in the environment of the control plane; a token itself is refused."
      />
      {draft.driver === 'kong-consumer-groups' && (
        <TextField
          label="Workspace"
          path="$.workspace"
          value={draft.workspace}
          onChange={(workspace) => change({ workspace })}
        />
      )}
      {draft.driver === 'konnect' && (
        <TextField
          label="Control plane id"
          path="$.controlPlaneId"
          isRequired
          value={draft.controlPlaneId}
          onChange={(controlPlaneId) => change({ controlPlaneId })}
        />
      )}
    </Form>
  );
};
