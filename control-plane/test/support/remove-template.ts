import { rmSync } from 'node:fs';
import { dirname } from 'node:path';

/** Removes what make-template made. */
export default function removeTemplate(): void {
  const file = process.env.TOLLGATE_TEST_TEMPLATE;
  if (file) rmSync(dirname(file), { recursive: true, force: true });
}
