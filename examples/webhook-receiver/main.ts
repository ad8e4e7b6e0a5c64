import { createReceiver } from './receiver';

/** Prints what Tollgate tells: `SIGNING_SECRET=whsec_... SHARED_SECRET=... npm run example:webhook-receiver`. */
const { SIGNING_SECRET, SHARED_SECRET, PORT = '3000' } = process.env;
if (!SIGNING_SECRET || !SHARED_SECRET) {
  console.error(
    'set SIGNING_SECRET to the signing secret of the channel and SHARED_SECRET to its X-Webhook-Secret',
  );
  process.exit(2);
}

const app = createReceiver({
  signingSecret: SIGNING_SECRET,
  sharedSecret: SHARED_SECRET,
  onNotification: ({ type, data }) => {
    const who = data.customer?.key ?? 'somebody';
    const line = data.threshold ? ` ${data.threshold.type} ${data.threshold.value}` : '';
    const access = data.value?.hasAccess === false ? ', and has no access any more' : '';
    console.log(`${type}: ${who} ${data.feature?.key ?? ''}${line}${access}`);
  },
});
app.listen(Number(PORT), '127.0.0.1', () =>
  console.log(`waiting for webhooks on http://127.0.0.1:${PORT}/webhooks/tollgate`),
);
