import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool, type PoolClient } from 'pg';

/** The tables: what the task writes, and what the fence and the ticks need. */
const SCHEMA = `
  create table if not exists account (
    name    text primary key,
    balance bigint not null
  );
  create table if not exists leader_fence (
    task  text primary key,
    token bigint not null default -9223372036854775808
  );
  create table if not exists leader_tick (
    task text,
    tick timestamptz,
    primary key (task, tick)
  );
  insert into account (name, balance) values ('ada', 0) on conflict do nothing`;

/** PostgreSQL, where `DATABASE_URL` says. */
@Injectable()
export class Database implements OnApplicationShutdown {
  readonly pool = new Pool({ connectionString: process.env.DATABASE_URL });

  async createTables(): Promise<void> {
    await this.transaction(async (client) => {
      // Instances start at the same time, and "if not exists" is no lock.
      await client.query('select pg_advisory_xact_lock(4)');
      await client.query(SCHEMA);
    });
  }

  /** All of what `act` does, or nothing. */
  async transaction<T>(act: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      const result = await act(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
