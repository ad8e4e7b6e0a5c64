import { useLocation } from 'wouter';
import { useChange } from '../../api/use-api';
import { TextAreaField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { type Pairs, PairsField, pairsOf, recordOf } from '../../ui/pairs-field';
import { tell } from '../../ui/toasts';
import { type Customer, customerHref, customersPath } from './customer';

interface Draft {
  key: string;
  name: string;
  description: string;
  /** One a line. */
  subjects: string;
  primaryEmail: string;
  currency: string;
  metadata: Pairs;
}

const draftOf = (customer: Customer | undefined): Draft => ({
  key: customer?.key ?? '',
  name: customer?.name ?? '',
  description: customer?.description ?? '',
  subjects: (customer?.usageAttribution.subjectKeys ?? []).join('\n'),
  primaryEmail: customer?.primaryEmail ?? '',
  currency: customer?.currency ?? '',
  metadata: pairsOf(customer?.metadata),
});

export const CustomerForm = ({ customer, onCancel }: { customer?: Customer; onCancel: () => void }) => {
  const [draft, change] = useDraft<Draft>(draftOf(customer));
  const [, navigate] = useLocation();
  const { run } = useChange<Customer>(customersPath);

  const save = async (): Promise<void> => {
    const subjectKeys = [
      ...new Set(
        draft.subjects
          .split('\n')
          .map((line) => line.trim())
          .filter(Boolean),
      ),
    ];
    const body = {
      name: draft.name || draft.key,
      ...(draft.key ? { key: draft.key } : {}),
      ...(draft.description ? { description: draft.description } : {}),
      usageAttribution: { subjectKeys },
      ...(draft.primaryEmail ? { primaryEmail: draft.primaryEmail } : {}),
      ...(draft.currency ? { currency: draft.currency } : {}),
      ...(customer?.billingAddress ? { billingAddress: customer.billingAddress } : {}),
      metadata: recordOf(draft.metadata),
    };
    const saved = customer
      ? await run({ method: 'PUT', path: `${customersPath}/${customer.id}`, body })
      : await run({ path: customersPath, body });
    tell(`Saved the customer ${saved.name}.`);
    navigate(customerHref(saved.key ?? saved.id));
  };

  return (
    <Form submitLabel={customer ? 'Save' : 'Create customer'} onSubmit={save} onCancel={onCancel}>
      <TextField
        label="Key"
        path="$.key"
        value={draft.key}
        onChange={(key) => change({ key })}
        placeholder="acme-inc"
        hint="Its key counts as a subject: give it the username of the Kong consumer, and nothing else is needed."
      />
      <TextField
        label="Name"
        path="$.name"
        isRequired
        value={draft.name}
        onChange={(name) => change({ name })}
      />
      <TextAreaField
        label="Subjects"
        path="$.usageAttribution.subjectKeys"
        value={draft.subjects}
        onChange={(subjects) => change({ subjects })}
        rows={3}
        hint="One a line: whose events are this customer's, besides its key."
      />
      <TextField
        label="Description"
        path="$.description"
        value={draft.description}
        onChange={(description) => change({ description })}
      />
      <div className="fields-2">
        <TextField
          label="E-mail"
          path="$.primaryEmail"
          type="email"
          value={draft.primaryEmail}
          onChange={(primaryEmail) => change({ primaryEmail })}
        />
        <TextField
          label="Currency"
          path="$.currency"
          value={draft.currency}
          onChange={(currency) => change({ currency: currency.toUpperCase() })}
          placeholder="USD"
        />
      </div>
      <PairsField
        label="Metadata"
        path="$.metadata"
        nameLabel="Name"
        valueLabel="Value"
        noun="metadata entry"
        pairs={draft.metadata}
        onChange={(metadata) => change({ metadata })}
      />
    </Form>
  );
};
