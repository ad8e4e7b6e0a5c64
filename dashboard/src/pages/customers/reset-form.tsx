import { useChange } from '../../api/use-api';
import { CheckField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { tell } from '../../ui/toasts';
import { type Customer, customersPath } from './customer';
import { entitlementsPath } from './entitlement';

/** Begins the usage period anew. */
export const ResetForm = ({
  customer,
  path,
  onDone,
}: {
  customer: Customer;
  path: string;
  onDone: () => void;
}) => {
  const [draft, change] = useDraft({ effectiveAt: '', retainAnchor: false, preserveOverage: false });
  const { run } = useChange(
    entitlementsPath(customer.id),
    `${customersPath}/${customer.id}/access`,
    '/api/v1/overview',
  );
  return (
    <div className="group">
      <h3>Reset usage</h3>
      <Form
        submitLabel="Reset"
        onCancel={onDone}
        onSubmit={async () => {
          await run({
            path: `${path}/reset`,
            body: {
              retainAnchor: draft.retainAnchor,
              preserveOverage: draft.preserveOverage,
              ...(draft.effectiveAt === '' ? {} : { effectiveAt: new Date(draft.effectiveAt).toISOString() }),
            },
          });
          tell(`Usage of ${customer.name} begins anew.`);
          onDone();
        }}
      >
        <p>Usage becomes zero, and grants roll over as far as they may.</p>
        <TextField
          label="Effective at"
          path="$.effectiveAt"
          type="datetime-local"
          value={draft.effectiveAt}
          onChange={(effectiveAt) => change({ effectiveAt })}
          hint="Now unless told."
        />
        <CheckField
          label="Keep the anchor"
          hint="Periods go on ending when they ended before."
          isChecked={draft.retainAnchor}
          onChange={(retainAnchor) => change({ retainAnchor })}
        />
        <CheckField
          label="Keep overage"
          hint="What was used too much counts against the new period."
          isChecked={draft.preserveOverage}
          onChange={(preserveOverage) => change({ preserveOverage })}
        />
      </Form>
    </div>
  );
};
