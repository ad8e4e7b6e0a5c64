import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const compressedAs = {
  br: (content: Buffer): Promise<Buffer> =>
    promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: (content: Buffer): Promise<Buffer> => promisify(gzip)(content, { level: 9 }),
};

export type ContentCoding = keyof typeof compressedAs;

/** Files that are larger, or more of them, are no dashboard of ours. */
const maximumFiles = 500;
const maximumBytes = 32 << 20;

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

const compressible = /^(?:text\/|image\/svg|application\/(?:json|manifest))/;

export interface DashboardFile {
  content: Buffer;
  contentType: string;
  etag: string;
  /** Its name holds a hash of its content, so it never changes. */
  isImmutable: boolean;
  /** The content in this coding, compressed once; undefined where that gains nothing. */
  coded(coding: ContentCoding): Promise<Buffer | undefined>;
}

/** Everything that was built, by the path it is asked for: "/index.html", "/assets/app-1a2b3c.js". */
export type DashboardFiles = ReadonlyMap<string, DashboardFile>;

/**
 * Reads a build whole, so that a request only ever looks into a map and no path can lead outside of the folder.
 * @returns undefined where nothing is built
 * @throws Error when the folder holds more than a dashboard does
 */
export const readDashboard = (directory: string): DashboardFiles | undefined => {
  if (!existsSync(join(directory, 'index.html'))) return undefined;
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const bytes = names.reduce((sum, name) => sum + statSync(name).size, 0);
  if (names.length > maximumFiles || bytes > maximumBytes) {
    throw new Error(`${directory} holds ${names.length} files of ${bytes} bytes, which is no dashboard`);
  }
  return new Map(
    names.map((name) => {
      const path = name.slice(directory.length).split(sep).join('/');
      return [path.startsWith('/') ? path : `/${path}`, fileOf(path, readFileSync(name))];
    }),
  );
};

const fileOf = (path: string, content: Buffer): DashboardFile => {
  const contentType = contentTypes[extname(path)] ?? 'application/octet-stream';
  const coded = new Map<ContentCoding, Promise<Buffer | undefined>>();
  return {
    content,
    contentType,
    etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`,
    isImmutable: path.startsWith('/assets/'),
    coded: (coding) => {
      if (!compressible.test(contentType) || content.length < 512) return Promise.resolve(undefined);
      const known =
        coded.get(coding) ??
        compressedAs[coding](content).then((small) => (small.length < content.length ? small : undefined));
      coded.set(coding, known);
      return known;
    },
  };
};
