import {
  Controller,
  UseGuards,
  VERSION_NEUTRAL,
  type Type,
} from '@nestjs/common';
import type { DashboardGuard } from './zookeeper-leader-dashboard-options.interface.js';

/** What `@ApiExcludeController()` of `@nestjs/swagger` writes. */
const NOT_IN_API_DOCUMENTS = 'swagger/apiExcludeController';

/** A class of its own for each module, whose path and guards are its own. */
export function controllerAt(
  path: string,
  controller: Type,
  guards: readonly DashboardGuard[],
): Type {
  const own = class extends controller {};
  // Nest logs it.
  Object.defineProperty(own, 'name', { value: controller.name });
  placeAt(path, own);
  UseGuards(...guards)(own);
  Reflect.defineMetadata(NOT_IN_API_DOCUMENTS, [true], own);
  return own;
}

/** Has a controller serve below `path`. */
export function placeAt(path: string, controller: Type): void {
  Controller({ path, version: VERSION_NEUTRAL })(controller);
}
