import {
  ForbiddenException,
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';

/** A header that no form can send, and no foreign page without being asked. */
export const ACTION_HEADER = 'x-leadership-action';

/**
 * Refuses requests that another site has the browser send, with the cookies of a
 * person who may act here.
 */
@Injectable()
export class SameOriginGuard implements CanActivate {
  /**
   * @throws {ForbiddenException} for a request of another site
   */
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context
      .switchToHttp()
      .getRequest<{ headers: IncomingHttpHeaders }>();
    if (headers[ACTION_HEADER] === undefined) {
      throw new ForbiddenException(`The header ${ACTION_HEADER} is missing`);
    }
    if (!isSameOrigin(headers)) {
      throw new ForbiddenException(
        'This request comes from another site, or through a proxy that does not pass the Host header on',
      );
    }
    return true;
  }
}

function isSameOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) {
    return site === 'same-origin';
  }
  // An older browser, or no browser at all: a script sends no origin.
  const { origin, host } = headers;
  return (
    origin === undefined ||
    (URL.canParse(origin) && new URL(origin).host === host)
  );
}
