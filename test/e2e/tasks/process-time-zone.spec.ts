import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

/** What the environment of a process may say; the empty text is refused by `cron`. */
const ZONES = [
  'Europe/Berlin',
  'CET-1CEST',
  'EST5EDT',
  ':/etc/localtime',
  'Nowhere/At_all',
  ' ',
  '',
];

/** For each of them: when the job fires next, and when the library says so. */
const PROGRAM = `
  import 'reflect-metadata';
  import { Module } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
  import { CronJob } from 'cron';
  import * as library from 'nestjs-zookeeper-leader';

  const answers = [];
  for (const zone of JSON.parse(process.argv[1])) {
    process.env.TZ = zone;
    class App {}
    Module({
      imports: [
        ScheduleModule.forRoot(),
        library.ZookeeperLeaderModule.forRoot({ standalone: true }),
      ],
    })(App);
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    const tasks = app.get(library.LeaderTasks);
    for (const timeZone of [undefined, '']) {
      const task = 'job in ' + timeZone;
      const onTick = app
        .get(library.LeaderElection)
        .onlyLeader(() => undefined, { task, ledger: true });
      const job = CronJob.from({ cronTime: '0 30 2 * * *', onTick, timeZone });
      app.get(SchedulerRegistry).addCronJob(task, job);
      let fires = null;
      try {
        job.start();
        fires = job.nextDate().toMillis();
      } catch {}
      const { nextTick = null } = tasks.list().find((each) => each.task === task);
      const said = nextTick && nextTick.getTime();
      answers.push({ TZ: zone, timeZone, fires, said });
    }
    await app.close();
  }
  console.log(JSON.stringify(answers));
`;

interface Answer {
  readonly TZ: string;
  readonly timeZone?: string;
  readonly fires: number | null;
  readonly said: number | null;
}

it('a job fires at the ticks that the library knows, whatever the environment says of time zones', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', PROGRAM, JSON.stringify(ZONES)],
    { cwd: fileURLToPath(new URL('../../..', import.meta.url)) },
  );
  const answers = JSON.parse(stdout) as Answer[];
  expect(answers).toHaveLength(2 * ZONES.length);
  expect(answers).toEqual(
    answers.map((answer) => ({ ...answer, said: answer.fires })),
  );
  expect(new Set(answers.map(({ fires }) => fires)).size).toBeGreaterThan(3);
});
