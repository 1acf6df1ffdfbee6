import type { ServerResponse } from 'node:http';

/** A response of Fastify, as far as it is needed. */
interface FastifyReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

/**
 * Node's own response, whatever the HTTP adapter: what is sent here is not for
 * interceptors that wrap the answers of an application.
 */
export function rawResponse(
  response: ServerResponse | FastifyReply,
): ServerResponse {
  if ('hijack' in response) {
    response.hijack();
    return response.raw;
  }
  return response;
}

/** Sends an answer that nobody may store, frame, or take for something else. */
export function send(
  response: ServerResponse | FastifyReply,
  body: string,
  headers: Record<string, string>,
): void {
  rawResponse(response)
    .writeHead(200, {
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Content-Length': String(Buffer.byteLength(body)),
      ...headers,
    })
    .end(body);
}
