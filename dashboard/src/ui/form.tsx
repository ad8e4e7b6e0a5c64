import {
  createContext,
  type FormEvent,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useRef,
  useState,
} from 'react';
import { ApiProblem, type FieldProblem, sentenceOf } from '../api/problem';

const ProblemsContext = createContext<readonly FieldProblem[]>([]);

/** What the server says about the field at this JSONPath, or about anything inside of it. */
export const useFieldProblem = (path: string | undefined): string | undefined => {
  const problems = useContext(ProblemsContext);
  if (path === undefined) return undefined;
  return problems.find(
    ({ field }) => field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`),
  )?.message;
};

/** The values of a form; `change` takes those that are new. */
export const useDraft = <T extends object>(initial: T | (() => T)): [T, (changes: Partial<T>) => void] => {
  const [draft, setDraft] = useState(initial);
  const change = useCallback((changes: Partial<T>) => setDraft((before) => ({ ...before, ...changes })), []);
  return [draft, change];
};

export interface FormProps {
  /** Sends it; whatever it throws is shown, field by field where the server names fields. */
  onSubmit: () => Promise<void>;
  submitLabel: string;
  onCancel?: (() => void) | undefined;
  /** More buttons beside submit. */
  actions?: ReactNode;
  isDanger?: boolean;
  children: ReactNode;
}

/** A form whose refusals stand beside the fields they are about; the first of them gets the focus. */
export const Form = ({ onSubmit, submitLabel, onCancel, actions, isDanger = false, children }: FormProps) => {
  const form = useRef<HTMLFormElement>(null);
  const [problem, setProblem] = useState<unknown>();
  const [isSending, setSending] = useState(false);

  useEffect(() => {
    if (problem === undefined) return;
    const invalid = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    (invalid ?? form.current?.querySelector<HTMLElement>('[role="alert"]'))?.focus();
  }, [problem]);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (isSending) return;
    setSending(true);
    setProblem(undefined);
    try {
      await onSubmit();
    } catch (error) {
      setProblem(error);
    } finally {
      setSending(false);
    }
  };

  return (
    <form ref={form} className="fields" onSubmit={(event) => void submit(event)}>
      <ProblemsContext value={problem instanceof ApiProblem ? problem.fields : []}>
        {problem !== undefined && <FormProblem problem={problem} />}
        {children}
      </ProblemsContext>
      <div className="form-foot">
        <button
          type="submit"
          className={isDanger ? 'button button-danger' : 'button button-primary'}
          disabled={isSending}
        >
          {submitLabel}
        </button>
        {actions}
        {onCancel && (
          <button type="button" className="button" onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
};

const FormProblem = ({ problem }: { problem: unknown }) => {
  const fields = problem instanceof ApiProblem ? problem.fields : [];
  return (
    <div className="note note-problem" role="alert" tabIndex={-1}>
      {fields.length === 0 ? (
        sentenceOf(problem)
      ) : (
        <ul>
          {fields.map(({ field, message }) => (
            <li key={`${field} ${message}`}>
              <code>{field.replace(/^\$\./, '')}</code> {message}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
};
