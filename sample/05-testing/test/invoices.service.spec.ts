import { beforeEach, describe, expect, it } from '@jest/globals';
import type { LeaderElection } from 'nestjs-zookeeper-leader';
import {
  fakeElectionOf,
  type FakeLeaderElection,
} from 'nestjs-zookeeper-leader/testing';
import { InvoicesService } from '../src/invoices.service.js';
import { FakeMailer } from './fake-mailer.js';

// No module, no application: an object and who leads.
describe('InvoicesService', () => {
  let mailer: FakeMailer;
  let invoices: InvoicesService;
  let election: FakeLeaderElection;

  beforeEach(() => {
    mailer = new FakeMailer();
    invoices = new InvoicesService(mailer);
    election = fakeElectionOf(invoices);
  });

  it('sends nothing where this instance does not lead', async () => {
    expect(await invoices.send()).toBeUndefined();
    expect(mailer.sent).toEqual([]);
  });

  it('sends one to every customer on the leader', async () => {
    election.elect();
    expect(await invoices.send(['ada', 'grace'])).toBe(2);
    expect(mailer.sent).toEqual(['ada', 'grace']);
  });

  it('stops in the middle when leadership is lost', async () => {
    election.elect();
    mailer.onSend = () => election.depose('lease-expired');
    expect(await invoices.send(['ada', 'grace', 'barbara'])).toBe(1);
  });

  it('sends nothing while leadership cannot be proved', async () => {
    election.elect();
    election.suspend();
    expect((election as LeaderElection).leadership.role).toBe('leader');
    expect(await invoices.send()).toBeUndefined();
    election.resume();
    expect(await invoices.send(['ada'])).toBe(1);
  });
});
