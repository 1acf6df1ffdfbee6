import path = require('node:path');

/*
 * CommonJS in both builds, because __dirname is the one way to name a file of
 * this package that both understand. Both run the CommonJS keeper: it starts
 * faster than the one of ES modules, and is smaller.
 */
const builds = path.join(__dirname, '..', '..', '..');

export = {
  keeperPath: path.join(builds, 'cjs', 'native', 'keeper', 'keeper.main.js'),
};
