import { useLocation } from 'wouter';
import { useChange } from '../../api/use-api';
import { SelectField, TextAreaField, TextField } from '../../ui/fields';
import { Form, useDraft } from '../../ui/form';
import { tell } from '../../ui/toasts';
import { accessPath, type Hold } from './access';

export interface HoldFormProps {
  customer: string;
  feature: string;
  kind: Hold['kind'];
}

/** A decision by hand that stands above the entitlement, with its reason and, if wanted, its end. */
export const HoldForm = ({ customer, feature, kind }: HoldFormProps) => {
  const [draft, change] = useDraft({ customer, feature, kind, reason: '', endsAt: '' });
  const [, navigate] = useLocation();
  const { run } = useChange(accessPath);
  const save = async (): Promise<void> => {
    await run({
      path: `${accessPath}/holds`,
      body: {
        customer: draft.customer,
        feature: draft.feature || null,
        kind: draft.kind,
        reason: draft.reason,
        endsAt: draft.endsAt ? new Date(draft.endsAt).toISOString() : null,
      },
    });
    tell(draft.kind === 'hold' ? `${draft.customer} is kept out.` : `${draft.customer} is let in.`);
    navigate('/access');
  };
  return (
    <Form
      submitLabel={draft.kind === 'hold' ? 'Keep out' : 'Let in'}
      isDanger={draft.kind === 'hold'}
      onSubmit={save}
      onCancel={() => navigate('/access')}
    >
      <SelectField
        label="Decision"
        value={draft.kind}
        onChange={(next) => change({ kind: next })}
        options={[
          { value: 'hold', label: 'Keep out, whatever the entitlement says' },
          { value: 'allow', label: 'Let in, whatever the entitlement says' },
        ]}
      />
      <TextField
        label="Customer"
        path="$.customer"
        isRequired
        value={draft.customer}
        onChange={(next) => change({ customer: next })}
        hint="Its id or key."
      />
      <TextField
        label="Feature"
        path="$.feature"
        value={draft.feature}
        onChange={(next) => change({ feature: next })}
        hint="Every feature without it."
      />
      <TextAreaField
        label="Reason"
        path="$.reason"
        isRequired
        rows={2}
        value={draft.reason}
        onChange={(reason) => change({ reason })}
        hint="Everybody who looks at the board reads it."
      />
      <TextField
        label="Ends"
        path="$.endsAt"
        type="datetime-local"
        value={draft.endsAt}
        onChange={(endsAt) => change({ endsAt })}
        hint="When the entitlement decides again; without it, when somebody ends it."
      />
    </Form>
  );
};
