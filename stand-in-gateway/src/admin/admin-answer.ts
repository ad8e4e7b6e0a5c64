/** What the Admin API answers; a string body goes out as it is, anything else as JSON. */
export interface AdminAnswer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A request to the Admin API, taken apart. */
export interface AdminRequest {
  method: string;
  /** Path segments, decoded. */
  segments: readonly string[];
  query: URLSearchParams;
  contentType: string;
  text: string;
  /** The body's fields, of JSON or of a form. */
  fields: Record<string, unknown>;
  /** Kong's id of this request, which some of its 404 answers carry. */
  requestId: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Kong's plain 404. */
export const notFound: AdminAnswer = { status: 404, body: { message: 'Not found' } };

/** The 404 of the endpoints that answer through Kong's error template. */
export function notFoundWithId(request: AdminRequest): AdminAnswer {
  return { status: 404, body: { message: 'Not found', request_id: request.requestId } };
}

/** The answer to a method that an endpoint does not have. */
export const methodNotAllowed: AdminAnswer = { status: 405, body: { message: 'Method not allowed' } };
