import type { IncomingMessage } from 'node:http';
import {
  Injectable,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';

/** Who may act on the dashboard: here, anybody who sits at this machine. */
@Injectable()
export class OperatorGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { socket } = context.switchToHttp().getRequest<IncomingMessage>();
    return socket.remoteAddress === '127.0.0.1';
  }
}
