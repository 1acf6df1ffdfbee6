/** The commands that talk to ZooKeeper: loaded together, when one of them is used. */
export { doctor } from './doctor/doctor.command.js';
export { history } from './history.command.js';
export { ledgers, removeLedger } from './ledgers.command.js';
export { partitions } from './partitions.command.js';
export { resign } from './resign.command.js';
export { status } from './status.command.js';
export { audit, drain, pause, resume, run } from './steer.commands.js';
export { tasks } from './tasks.command.js';
export { unlessAborted, withSession } from './cli-session.js';
export { watch } from './watch.command.js';
