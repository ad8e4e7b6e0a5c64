import { existsSync } from 'node:fs';
import { type ReadDeclaration, readDeclarationFile } from '../config/declaration/read-declaration';

const defaultFile = 'tollgate.yml';

export interface NamedDeclaration extends ReadDeclaration {
  file: string;
}

/** The declaration that a start applies: the file that the configuration names, else ./tollgate.yml where it exists. */
export const declarationToApply = (
  configured: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): NamedDeclaration | undefined => {
  const file = configured ?? (existsSync(defaultFile) ? defaultFile : undefined);
  return file === undefined ? undefined : { file, ...readDeclarationFile(file, environment) };
};
