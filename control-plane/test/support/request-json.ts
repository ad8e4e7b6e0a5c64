import type { TestApp } from './test-app';

/** Sends a request that is to succeed, and gives its JSON; fails with what was answered otherwise. */
export const requestJson = async <T = unknown>(
  app: TestApp,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> => {
  const response = await app.request(method, path, body);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
};
