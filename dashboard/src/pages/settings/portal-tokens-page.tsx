import { useState } from 'react';
import { Link } from 'wouter';
import { useChange } from '../../api/use-api';
import { ConfirmButton } from '../../ui/confirm-button';
import { Empty } from '../../ui/empty';
import { TextField } from '../../ui/fields';
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

interface PortalToken {
  id: string;
  subject: string;
  expiresAt: string;
  createdAt: string;
  allowedMeterSlugs?: string[];
}

const portalTokensPath = '/api/v1/portal/tokens';

/** Tokens with which customers see their own usage, limits and invoices. */
export const PortalTokensPage = ({ isCreating = false }: { isCreating?: boolean }) => {
  const url = useUrlState();
  const { run } = useChange(portalTokensPath);
  const close = (): void => url.go('/settings/portal');
  const create = (
    <Link className="button button-primary" href="/settings/portal/new">
      <Icon name="plus" />
      New portal token
    </Link>
  );
  const columns: readonly Column<PortalToken>[] = [
    { header: 'Subject', render: ({ subject }) => subject },
    {
      header: 'Meters',
      render: ({ allowedMeterSlugs }) => allowedMeterSlugs?.join(', ') ?? <span className="soft">all</span>,
    },
    { header: 'Expires', render: ({ expiresAt }) => <Time at={expiresAt} /> },
    { header: 'Created', render: ({ createdAt }) => <Time at={createdAt} /> },
    {
      header: '',
      render: ({ id, subject }) => (
        <ConfirmButton
          label="Invalidate"
          className="button button-danger button-small"
          question={`Invalidate this portal token of ${subject}? Whoever uses it is refused from now on.`}
          onConfirm={async () => {
            await run({ path: `${portalTokensPath}/invalidate`, body: { id } });
            tell(`Invalidated a portal token of ${subject}.`);
          }}
        />
      ),
    },
  ];
  return (
    <Page
      title="Settings"
      lead="The newest tokens with which customers see their own usage, limits and invoices, and nothing else."
      actions={create}
    >
      <Tabs label="Settings" tabs={settingsTabs} />
      <List<PortalToken, PortalToken[]>
        noun="portal token"
        path={portalTokensPath}
        queryOf={() => ({ limit: 100 })}
        read={(items) => ({ items })}
        pageSize={1_000}
        columns={columns}
        keyOf={({ id }) => id}
        empty={
          <Empty
            action={create}
            curl={{ method: 'POST', path: portalTokensPath, body: { subject: 'acme-inc' } }}
          >
            There is no portal token in force. Make one for a customer: it signs in here and sees its own.
          </Empty>
        }
      />
      {isCreating && (
        <Sheet title="New portal token" onClose={close}>
          <PortalTokenForm onClose={close} />
        </Sheet>
      )}
    </Page>
  );
};

const PortalTokenForm = ({ onClose }: { onClose: () => void }) => {
  const [draft, change] = useDraft({ subject: '', meters: '', expiresAt: '' });
  const [made, setMade] = useState<string>();
  const { run } = useChange<{ token: string }>(portalTokensPath);
  if (made !== undefined)
    return (
      <>
        <Secret text={made} what="portal token">
          {draft.subject} signs in with it on this address, and sees nothing but its own.
        </Secret>
        <div className="row">
          <button type="button" className="button button-primary" onClick={onClose}>
            I have kept it
          </button>
        </div>
      </>
    );
  const save = async (): Promise<void> => {
    const meters = draft.meters
      .split(',')
      .map((slug) => slug.trim())
      .filter((slug) => slug !== '');
    const { token } = await run({
      path: portalTokensPath,
      body: {
        subject: draft.subject,
        ...(meters.length > 0 ? { allowedMeterSlugs: meters } : {}),
        ...(draft.expiresAt ? { expiresAt: new Date(draft.expiresAt).toISOString() } : {}),
      },
    });
    setMade(token);
  };
  return (
    <Form submitLabel="Create portal token" onSubmit={save} onCancel={onClose}>
      <TextField
        label="Subject"
        path="$.subject"
        isRequired
        value={draft.subject}
        onChange={(subject) => change({ subject })}
        placeholder="acme-inc"
        hint="The customer's key. For one of several subjects of a customer, only usage is shown."
      />
      <TextField
        label="Meters"
        path="$.allowedMeterSlugs"
        value={draft.meters}
        onChange={(meters) => change({ meters })}
        hint="Slugs, separated by commas; all of them without any. With some, no invoices are shown."
      />
      <TextField
        label="Expires"
        path="$.expiresAt"
        type="datetime-local"
        value={draft.expiresAt}
        onChange={(expiresAt) => change({ expiresAt })}
        hint="An hour from now unless you say otherwise."
      />
    </Form>
  );
};
