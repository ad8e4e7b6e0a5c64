import { useState } from 'react';
import { Link } from 'wouter';
import { useChange } from '../../api/use-api';
import { Badge } from '../../ui/badge';
import { ConfirmButton } from '../../ui/confirm-button';
import { Empty } from '../../ui/empty';
import { CheckField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { Icon } from '../../ui/icon';
import { List } from '../../ui/list';
import { Page } from '../../ui/page';
import { Secret } from '../../ui/secret';
import { Sheet } from '../../ui/sheet';
import type { Column } from '../../ui/table';
import { Tabs } from '../../ui/tabs';
import { Time } from '../../ui/time';
import { tell } from '../../ui/toasts';
import { useUrlState } from '../../ui/use-url-state';
import { settingsTabs } from './gateway';

interface ApiToken {
  id: string;
  name: string;
  scopes: Scope[];
  createdBy: string;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
}

const scopes = ['ingest', 'read', 'manage'] as const;
type Scope = (typeof scopes)[number];

const scopeWords: Readonly<Record<Scope, string>> = {
  ingest: 'Send events, and nothing else: for gateways.',
  read: 'Read everything: for this dashboard, and for reports.',
  manage: 'Change everything, make tokens included.',
};

const tokensPath = '/api/v1/tokens';
const pageSize = 100;

/** Who may use the API. */
export const TokensPage = ({ isCreating = false }: { isCreating?: boolean }) => {
  const url = useUrlState();
  const { run } = useChange(tokensPath);
  const create = (
    <Link className="button button-primary" href="/settings/tokens/new">
      <Icon name="plus" />
      New token
    </Link>
  );
  const columns: readonly Column<ApiToken>[] = [
    { header: 'Token', render: ({ name }) => name },
    {
      header: 'May',
      render: (token) => (
        <span className="row">
          {token.scopes.map((scope) => (
            <Badge key={scope}>{scope}</Badge>
          ))}
        </span>
      ),
    },
    { header: 'Last used', render: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
    {
      header: 'Expires',
      render: ({ expiresAt }) =>
        expiresAt === null ? <span className="soft">never</span> : <Time at={expiresAt} />,
    },
    { header: 'Created', render: ({ createdAt }) => <Time at={createdAt} /> },
    {
      header: '',
      render: ({ id, name }) => (
        <ConfirmButton
          label="Revoke"
          className="button button-danger button-small"
          question={`Revoke the token ${name}? Whoever uses it is refused from now on.`}
          onConfirm={async () => {
            await run({ method: 'DELETE', path: `${tokensPath}/${id}` });
            tell(`Revoked the token ${name}.`);
          }}
        />
      ),
    },
  ];
  return (
    <Page title="Settings" lead="Who may use the API." actions={create}>
      <Tabs label="Settings" tabs={settingsTabs} />
      <List<ApiToken>
        noun="token"
        path={tokensPath}
        paging="cursor"
        pageSize={pageSize}
        queryOf={({ cursor, limit }) => ({ after: cursor, limit })}
        read={({ items }) => ({
          items,
          nextCursor: items.length === pageSize ? items.at(-1)!.id : null,
        })}
        columns={columns}
        keyOf={({ id }) => id}
        empty={
          <Empty
            action={create}
            curl={{ method: 'POST', path: tokensPath, body: { name: 'gateway', scopes: ['ingest'] } }}
            command="tollgate token create gateway --scope ingest"
          >
            There is no token but the one that the control plane began with. Make one for each gateway and
            each program, with no more than it needs.
          </Empty>
        }
      />
      {isCreating && (
        <Sheet title="New token" onClose={() => url.go('/settings')}>
          <TokenForm onClose={() => url.go('/settings')} />
        </Sheet>
      )}
    </Page>
  );
};

const TokenForm = ({ onClose }: { onClose: () => void }) => {
  const [draft, change] = useDraft<{ name: string; scopes: readonly Scope[]; expiresAt: string }>({
    name: '',
    scopes: ['read'],
    expiresAt: '',
  });
  const [made, setMade] = useState<string>();
  const { run } = useChange<{ token: string }>(tokensPath);
  if (made !== undefined)
    return (
      <>
        <Secret text={made} what="token">
          Whoever has it may do what it may. Give it to the program that needs it.
        </Secret>
        <div className="row">
          <button type="button" className="button button-primary" onClick={onClose}>
            I have kept it
          </button>
        </div>
      </>
    );
  const save = async (): Promise<void> => {
    const { token } = await run({
      path: tokensPath,
      body: {
        name: draft.name,
        scopes: draft.scopes,
        ...(draft.expiresAt ? { expiresAt: new Date(draft.expiresAt).toISOString() } : {}),
      },
    });
    setMade(token);
  };
  return (
    <Form submitLabel="Create token" onSubmit={save} onCancel={onClose}>
      <TextField
        label="Name"
        path="$.name"
        isRequired
        value={draft.name}
        onChange={(name) => change({ name })}
        hint="What it is for."
      />
      <fieldset className="field">
        <legend className="field-label">May</legend>
        {scopes.map((scope) => (
          <CheckField
            key={scope}
            label={scope}
            hint={scopeWords[scope]}
            isChecked={draft.scopes.includes(scope)}
            onChange={(isOn) =>
              change({
                scopes: isOn ? [...draft.scopes, scope] : draft.scopes.filter((one) => one !== scope),
              })
            }
          />
        ))}
      </fieldset>
      <TextField
        label="Expires"
        path="$.expiresAt"
        type="datetime-local"
        value={draft.expiresAt}
        onChange={(expiresAt) => change({ expiresAt })}
      />
    </Form>
  );
};
