import { connectionFaults } from './connections.js';
import type { Fault } from './fault.js';
import { instanceFaults } from './instances.js';
import { networkFaults } from './network.js';
import { outsiderFaults } from './outsider.js';
import { rightsFaults } from './rights.js';
import { serverFaults } from './servers.js';
import { wallClockFaults } from './wall-clock.js';

const faults = {
  ...instanceFaults,
  ...networkFaults,
  ...connectionFaults,
  ...serverFaults,
  ...outsiderFaults,
  ...rightsFaults,
  ...wallClockFaults,
};

export type FaultKind = keyof typeof faults;

/** All faults, by their kind. */
export const FAULTS: Readonly<Record<FaultKind, Fault>> = faults;

export const ALL_KINDS = Object.keys(faults) as FaultKind[];

/** Kinds that may come together with another one. */
export const COMBINABLE: readonly FaultKind[] = [
  'kill',
  'guardian',
  'guardian-pause',
  'pause',
  'freeze',
  'block',
  'busy',
  'channel',
  'resign',
  'withdraw',
  'cut',
  'partition',
  'one-way',
  'delay',
  'loss',
  'reset',
  'first-answers',
  'refused',
  'shed',
  'mute',
  'expire',
  'server-pause',
  'server-weather',
  'assignment',
];
