import { useEffect, useState } from 'react';
import { callJson } from '../api/client';
import { sentenceOf } from '../api/problem';
import { TextField } from '../ui/fields';
import { Form } from '../ui/form';
import { Icon } from '../ui/icon';
import { beginSession } from './session';
import { kindOfToken } from './token-kind';

/** Signs in with an API token that may read, or a customer with its portal token. */
export const SignIn = ({ ended }: { ended: string | undefined }) => {
  const [token, setToken] = useState('');
  useEffect(() => {
    document.title = 'Sign in · Tollgate';
  }, []);

  const signIn = async (): Promise<void> => {
    const text = token.trim();
    const kind = kindOfToken(text);
    // The cheapest question that the token must be able to ask: refused here, in words, rather than on every page.
    if (kind === 'portal') await callJson({ path: '/api/v1/portal/self' }, text);
    else await callJson({ path: '/api/v1/meters', query: { pageSize: 1 } }, text);
    beginSession({ kind, token: text });
  };

  return (
    <main className="sign-in">
      <div className="stack-tight">
        <div className="brand" style={{ padding: 0 }}>
          <Icon name="access" size={20} />
          Tollgate
        </div>
        <h1>Sign in</h1>
      </div>
      {ended && (
        <p className="note note-warning" role="status">
          You were signed out: {sentenceOf(ended)}
        </p>
      )}
      <Form submitLabel="Sign in" onSubmit={signIn}>
        <TextField
          label="API token"
          type="password"
          autoComplete="current-password"
          isRequired
          value={token}
          onChange={setToken}
          hint={
            <>
              It begins with <code>tg_</code>. The first one stands in the file <code>token</code> of the data
              directory, or make one: <code>tollgate token create dashboard</code>. A customer signs in with
              its portal token. It is kept until this tab is closed.
            </>
          }
        />
      </Form>
    </main>
  );
};
